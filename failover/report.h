/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what a failover did, for people and for programs: who won and why not the others, per
 * server what it got and from where, what was cut or lost, or that nothing was, and the time of
 * every step.
 */
#ifndef BT_FAILOVER_REPORT_H
#define BT_FAILOVER_REPORT_H

#include "failover/failover.h"

/* "app1: MySQL Master failover db1(...) to db2(...) succeeded": MHA's subject line. */
void bt_report_subject(const struct bt_failover *f, struct bt_buf *out);

/* For people, at most 100 columns; for a dry run, the plan. */
void bt_report_text(const struct bt_failover *f, struct bt_buf *out);

/* The same as one JSON object. */
void bt_report_json(const struct bt_failover *f, struct bt_json *out);

#endif
