/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/had.h"

void bt_had_done(struct bt_had *h)
{
    bt_gtid_state_done(&h->state);
    bt_gtid_set_done(&h->set);
    h->known = false;
}

int bt_had_copy(struct bt_had *h, const struct bt_gtid_state *state, const struct bt_gtid_set *set,
                struct bt_err *err)
{
    for (size_t i = 0; state && i < state->count; i++) {
        if (bt_gtid_state_update(&h->state, &state->items[i], err) != 0)
            return -1;
    }
    if (set && bt_gtid_set_unite(&h->set, set, err) != 0)
        return -1;
    h->known = h->known || state || set;
    return 0;
}

int bt_had_read(struct bt_had *h, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_had said = {0};
    uint32_t flags;
    int failed;

    if (ev->type == BT_GTID_LIST)
        failed = bt_gtid_list_read(ev, &said.state, &flags, err);
    else
        failed = bt_previous_gtids_read(ev, &said.set, err);
    if (!failed)
        failed = bt_had_copy(h, &said.state, &said.set, err);
    bt_had_done(&said);
    return failed;
}

int bt_had_add(struct bt_had *h, const struct bt_gtid *gtid, struct bt_err *err)
{
    if (gtid->kind == BT_GTID_MARIADB)
        return bt_gtid_state_update(&h->state, gtid, err);
    if (gtid->kind == BT_GTID_MYSQL)
        return bt_gtid_set_add(&h->set, gtid, err);
    return 0;
}

bool bt_had_has(const struct bt_had *h, const struct bt_gtid *gtid)
{
    if (gtid->kind == BT_GTID_MARIADB)
        return bt_gtid_state_has(&h->state, gtid);
    return gtid->kind == BT_GTID_MYSQL && bt_gtid_set_has(&h->set, gtid);
}

bool bt_had_contains(const struct bt_had *h, const struct bt_had *part)
{
    if (!h->known)
        return false;
    for (size_t i = 0; i < part->state.count; i++) {
        if (!bt_gtid_state_has(&h->state, &part->state.items[i]))
            return false;
    }
    return bt_gtid_set_contains(&h->set, &part->set);
}

bool bt_had_is_next(const struct bt_had *h, const struct bt_gtid *gtid)
{
    struct bt_gtid before = *gtid;
    const struct bt_gtid *last;

    if (!h->known || gtid->kind == BT_GTID_NONE)
        return false;
    if (gtid->kind == BT_GTID_MARIADB) {
        last = bt_gtid_state_last(&h->state, gtid->domain);
        return gtid->sequence == (last ? last->sequence : 0) + 1;
    }
    before.sequence--;
    return gtid->sequence == 1 || bt_gtid_set_has(&h->set, &before);
}

bool bt_had_has_of_server(const struct bt_had *h, const struct bt_gtid *gtid)
{
    if (gtid->kind != BT_GTID_MARIADB)
        return bt_had_has(h, gtid);
    for (size_t i = 0; i < h->state.count; i++) {
        const struct bt_gtid *item = &h->state.items[i];

        if (item->domain == gtid->domain && item->server_id == gtid->server_id &&
            item->sequence >= gtid->sequence)
            return true;
    }
    return false;
}
