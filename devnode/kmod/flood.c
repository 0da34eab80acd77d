// SPDX-License-Identifier: GPL-2.0
/*
 * A core that interrupts Linux too often. An interrupt sent to a local APIC
 * cannot be refused, so it is first told not to ring: `notify` becomes 0 in its
 * parameters, which every honest image reads before it rings, and for a while a
 * look from here takes the place of its interrupts. That happens too when a
 * client asks to be rung all the time. A core that goes on ringing is parked:
 * nothing else would stop it from taking a CPU of Linux for itself.
 *
 * Too often is by number, or by time: platforms differ a hundredfold in what an
 * interrupt costs, and a slow one gets too few through to count.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "internal.h"

/* In cycles of the TSC, which costs least to read. */
#define WINDOW		(10 * (u64)tsc_khz)
/* In a window: interrupts, and the share of time; one that woke nobody counts ten times. */
#define LIMIT		5000
#define SHARE		2
#define FOR_NOBODY	10
/* Fewer say nothing about time: what a hypervisor takes away meanwhile counts as theirs. */
#define ENOUGH		16
/* The same share of a window, so that who heeds has no more either. */
#define REST_MS		5
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

/*
 * Rings again, if it did not meanwhile: who heeds is silent but for what was under way, and who
 * does not is counted on, however slowly the interrupts get through. What was to be rung is looked
 * at after that.
 */
static void on_rest(struct work_struct *work)
{
	struct offsched_run *run = container_of(to_delayed_work(work), struct offsched_run, rest);
	u32 deaf = READ_ONCE(run->deaf);

	if (deaf == run->heard) {
		run->count = 0;
		quiet(run, false);
		smp_mb();
	} else {
		run->heard = deaf;
		schedule_delayed_work(&run->rest, msecs_to_jiffies(REST_MS));
	}
	offsched_wake_hear(run);
}

void offsched_flood_init(struct offsched_run *run)
{
	INIT_DELAYED_WORK(&run->rest, on_rest);
}

static bool too_many(struct offsched_run *run, bool useful)
{
	u32 weight = useful ? 1 : FOR_NOBODY;
	u64 now = rdtsc();

	if (!run->count || (now - run->window > WINDOW && run->count > ENOUGH)) {
		run->window = now;
		run->weight = 0;
		run->count = 0;
		run->taken = 0;
	} else if (run->again) {
		run->taken += weight * (now - run->last);
	}
	run->near = now - run->last < WINDOW;
	run->last = now;
	run->again = false;
	run->count++;
	run->weight += weight;
	return run->weight > LIMIT ||
	       (run->count > ENOUGH && run->taken > max(now - run->window, WINDOW) / SHARE);
}

/* In the interrupt's hard part. `useful`: somebody waits for what it says. */
void offsched_flood_count(struct offsched_run *run, bool useful)
{
	if (READ_ONCE(run->quiet)) {
		if (++run->deaf == UNDER_WAY + 1)
			offsched_run_fail(run, "interrupted Linux without end, and was parked");
	} else if (too_many(run, useful)) {
		run->deaf = 0;
		run->heard = 0;
		WRITE_ONCE(run->floods, run->floods + 1);
		quiet(run, true);
		schedule_delayed_work(&run->rest, msecs_to_jiffies(REST_MS));
	}
}

/*
 * At the end of the hard part. If the next is there by now, what was interrupted does not get to
 * its next instruction, and all the time until then is the core's doing. Who rings seldom pays for
 * no look.
 */
void offsched_flood_leave(struct offsched_run *run)
{
	unsigned int vector;

	if (!run->near)
		return;
	vector = irqd_cfg(irq_get_irq_data(run->irq))->vector;
	run->again = apic->read(APIC_IRR + vector / 32 * 0x10) & BIT(vector % 32);
}
