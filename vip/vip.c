/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/vip.h"

enum { DEFAULT_PROBE_MS = 300 };

int bt_vip_status(const struct bt_vip *vip, struct bt_deadline deadline,
                  struct bt_place_list *ret, struct bt_err *err)
{
    return bt_place_find(vip, deadline, ret, err);
}

int bt_vip_probe(const char *interface, const struct bt_vip *vip, int listen_ms,
                 struct bt_deadline deadline, struct bt_probe_result *ret, struct bt_err *err)
{
    struct bt_interface i;

    if (bt_interface_find(interface, deadline, &i, err) < 0)
        return -1;
    return bt_probe(&i, vip, listen_ms > 0 ? listen_ms : DEFAULT_PROBE_MS, deadline, ret, err);
}

int bt_vip_announce(const char *interface, const struct bt_vip *vip,
                    struct bt_announce_opts opts, struct bt_deadline deadline, int *ret_sent,
                    struct bt_err *err)
{
    struct bt_interface i;

    if (bt_interface_find(interface, deadline, &i, err) < 0)
        return -1;
    return bt_announce(&i, vip, opts, deadline, ret_sent, err);
}

/* The address must not stand on another interface: this host would answer for it on two
 * networks.  *ret_here: it stands on this one, with this prefix. */
static int check_places(const struct bt_interface *i, const struct bt_vip *vip,
                        struct bt_deadline deadline, bool *ret_here, struct bt_err *err)
{
    struct bt_place_list places;
    char text[BT_VIP_TEXT_SIZE];

    *ret_here = false;
    if (bt_place_find(vip, deadline, &places, err) < 0)
        return -1;
    for (size_t k = 0; k < places.count; k++) {
        const struct bt_place *place = &places.at[k];

        if (place->index != i->index)
            return bt_fail(err, BT_ERR_REALITY, "%s stands on \"%s\" of this host already",
                           bt_vip_address_text(vip, text), place->interface);
        if (place->prefix != vip->prefix)
            return bt_fail(err, BT_ERR_REALITY,
                           "%s stands on \"%s\" already, but with prefix length %u",
                           bt_vip_text(vip, text), place->interface, place->prefix);
        if (place->failed)
            return bt_fail(err, BT_ERR_CONFLICT,
                           "%s stands on \"%s\", but the kernel found another holder of it",
                           bt_vip_address_text(vip, text), place->interface);
        *ret_here = true;
    }
    return 0;
}

static int check_holder(const struct bt_interface *i, const struct bt_vip *vip,
                        const struct bt_vip_up_opts *opts, struct bt_deadline deadline,
                        struct bt_probe_result *ret, struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE], mac[BT_MAC_TEXT_SIZE];

    if (opts->probe_ms < 0)
        return 0;
    if (bt_probe(i, vip, opts->probe_ms > 0 ? opts->probe_ms : DEFAULT_PROBE_MS, deadline, ret,
                 err) < 0)
        return -1;
    if (ret->found && !opts->take_from_holder)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "%s is %s by another host, %s answers for it on \"%s\"",
                       bt_vip_address_text(vip, text), ret->wants ? "being taken" : "held",
                       bt_mac_text(ret->mac, mac), i->name);
    return 0;
}

static int up(const char *interface, const struct bt_vip *vip, const struct bt_vip_up_opts *opts,
              struct bt_deadline deadline, struct bt_vip_up_result *ret, struct bt_err *err)
{
    struct bt_interface i;
    char text[BT_VIP_TEXT_SIZE];
    bool here;
    int got;

    if (bt_interface_find(interface, deadline, &i, err) < 0 ||
        bt_interface_check(&i, err) < 0 ||
        check_places(&i, vip, deadline, &here, err) < 0 ||
        check_holder(&i, vip, opts, deadline, &ret->probe, err) < 0)
        return -1;
    if (bt_deadline_passed(deadline))
        return bt_fail(err, BT_ERR_TIMEOUT, "the deadline passed before it was added");
    got = bt_place_add(&i, vip, opts->label, deadline, err);
    if (got < 0)
        return -1;
    ret->was_there = got == 1;
    if (check_places(&i, vip, deadline, &here, err) < 0)
        return bt_err_wrap(err, "the address was added, then");
    if (!here)
        return bt_fail(err, BT_ERR_CONFLICT, "the kernel took %s and does not list it on \"%s\"",
                       bt_vip_text(vip, text), i.name);
    if (bt_announce(&i, vip, opts->announce, deadline, &ret->announced, err) < 0)
        return bt_err_wrap(err, "the address was added, then");
    return 0;
}

int bt_vip_up(const char *interface, const struct bt_vip *vip, struct bt_vip_up_opts opts,
              struct bt_deadline deadline, struct bt_vip_up_result *ret, struct bt_err *err)
{
    struct bt_vip_up_result result = {0};
    char text[BT_VIP_TEXT_SIZE];

    if (up(interface, vip, &opts, deadline, &result, err) < 0)
        return bt_err_wrap(err, "could not bring up %s on \"%s\"", bt_vip_text(vip, text),
                           interface);
    *ret = result;
    return 0;
}

/* Removes it from the interface (NULL: all), counting; *ret_left: places it still stands on. */
static int remove_from(const char *interface, const struct bt_vip *vip,
                       struct bt_deadline deadline, int *removed, size_t *ret_left,
                       struct bt_err *err)
{
    struct bt_place_list places;

    *ret_left = 0;
    if (bt_place_find(vip, deadline, &places, err) < 0)
        return -1;
    for (size_t k = 0; k < places.count; k++) {
        int got;

        if (interface && strcmp(places.at[k].interface, interface) != 0)
            continue;
        (*ret_left)++;
        got = bt_place_remove(&places.at[k], vip, deadline, err);
        if (got < 0)
            return -1;
        *removed += got == 0;
    }
    return 0;
}

int bt_vip_down(const char *interface, const struct bt_vip *vip, struct bt_deadline deadline,
                int *ret_removed, struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];
    int removed = 0;
    size_t left = 1;

    /* The second look proves that it is gone; if something puts it back (a network manager),
     * it is taken off again until the deadline. */
    do {
        if (remove_from(interface, vip, deadline, &removed, &left, err) < 0)
            return bt_err_wrap(err, "could not take down %s", bt_vip_address_text(vip, text));
    } while (left > 0 && !bt_deadline_passed(deadline));
    if (left > 0)
        return bt_fail(err, BT_ERR_TIMEOUT,
                       "could not take down %s: at the last look it still stood on %s",
                       bt_vip_address_text(vip, text), interface ? interface : "this host");
    *ret_removed = removed;
    return 0;
}
