// SPDX-License-Identifier: GPL-2.0
/*
 * A core that interrupts Linux too often. An interrupt sent to a local APIC
 * cannot be refused, so it is first told not to ring: `notify` becomes 0 in its
 * parameters, which every honest image reads before it rings, and for a jiffy a
 * look from here takes the place of its interrupts. That happens too when a
 * client asks to be rung all the time. A core that goes on ringing is parked:
 * nothing else would stop it from taking a CPU of Linux for itself.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "internal.h"

#define WINDOW_NS	(10 * NSEC_PER_MSEC)
/* In a window: interrupts, one that woke nobody for ten. */
#define LIMIT		5000
#define FOR_NOBODY	10
/* Rings that may be under way when it is told: one for each level of its tasks, and idle. */
#define UNDER_WAY	64

static void quiet(struct offsched_run *run, bool quiet)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&run->bell_lock, flags);
	run->quiet = quiet;
	raw_spin_unlock_irqrestore(&run->bell_lock, flags);
	offsched_wake_publish(run);
}

/* Rings again; what was to be rung meanwhile is looked at after that. */
static void on_rest(struct work_struct *work)
{
	struct offsched_run *run = container_of(to_delayed_work(work), struct offsched_run, rest);

	run->weight = 0;
	quiet(run, false);
	smp_mb();
	offsched_wake_hear(run);
}

void offsched_flood_init(struct offsched_run *run)
{
	INIT_DELAYED_WORK(&run->rest, on_rest);
}

static bool too_many(struct offsched_run *run, bool useful)
{
	u64 now = ktime_get_ns();

	if (now - run->window > WINDOW_NS) {
		run->window = now;
		run->weight = 0;
	}
	run->weight += useful ? 1 : FOR_NOBODY;
	return run->weight > LIMIT;
}

/* In the interrupt's hard part. `useful`: somebody waits for what it says. */
void offsched_flood_count(struct offsched_run *run, bool useful)
{
	if (READ_ONCE(run->quiet)) {
		if (++run->deaf == UNDER_WAY + 1)
			offsched_run_fail(run, "interrupted Linux without end, and was parked");
	} else if (too_many(run, useful)) {
		run->deaf = 0;
		WRITE_ONCE(run->floods, run->floods + 1);
		quiet(run, true);
		schedule_delayed_work(&run->rest, 1);
	}
}
