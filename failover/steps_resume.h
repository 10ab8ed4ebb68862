/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps_resume.h - finishing a failover that was cut off.  Used by failover.c.
 */
#ifndef BT_FAILOVER_STEPS_RESUME_H
#define BT_FAILOVER_STEPS_RESUME_H

#include "failover/resume.h"
#include "failover/steps.h"

/* Asks everybody, and says what is to be done now: what the journal says may not have been done. */
int bt_fo_resume_check(struct bt_failover *f, enum bt_resume_how *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Somebody was promoted: to the end.  -1: not even the address could be thought of. */
int bt_fo_resume_forward(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;

/* Nobody was, and the primary lives: everything is put back. */
void bt_fo_give_back(struct bt_failover *f);

#endif
