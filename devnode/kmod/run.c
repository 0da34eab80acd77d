// SPDX-License-Identifier: GPL-2.0
/* A run: an image's memory and how its core fares, for all who have to do with it. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/apic.h>

#include "internal.h"

struct offsched_run *offsched_run_new(struct offsched_core *core)
{
	static atomic64_t next_map = ATOMIC64_INIT(1LL << 40);
	struct offsched_run *run = kzalloc(sizeof(*run), GFP_KERNEL);

	if (!run)
		return NULL;
	kref_init(&run->ref);
	run->core = core;
	run->map_base = atomic64_fetch_add(OFFSCHED_SHARED_MAX, &next_map);
	INIT_LIST_HEAD(&run->tables);
	mutex_init(&run->lock);
	init_waitqueue_head(&run->freed);
	raw_spin_lock_init(&run->bell_lock);
	offsched_flood_init(run);
	return run;
}

/* Frees what only the core needed. */
void offsched_run_strip(struct offsched_run *run)
{
	offsched_pages_free(&run->image);
	offsched_tables_free(&run->tables);
	run->root = NULL;
	if (run->params)
		__free_page(run->params);
	run->params = NULL;
}

static void run_free(struct kref *ref)
{
	struct offsched_run *run = container_of(ref, struct offsched_run, ref);

	offsched_run_strip(run);
	vunmap(run->view);
	offsched_pages_free(&run->shared);
	kvfree(run->channel);
	kvfree(run->service);
	kfree(run->limit);
	kfree(run);
}

/* May sleep. */
void offsched_run_put(struct offsched_run *run)
{
	if (run)
		kref_put(&run->ref, run_free);
}

/* The CPU's run, if it has one, with a reference. */
struct offsched_run *offsched_run_get(struct offsched_core *core)
{
	struct offsched_run *run;

	spin_lock(&core->lock);
	run = core->run;
	if (run)
		kref_get(&run->ref);
	spin_unlock(&core->lock);
	return run;
}

/* Makes it the CPU's run, in place of an earlier one; takes over the reference. */
void offsched_run_install(struct offsched_core *core, struct offsched_run *run)
{
	struct offsched_run *old;

	spin_lock(&core->lock);
	old = core->run;
	core->run = run;
	spin_unlock(&core->lock);
	offsched_run_put(old);
}

static void wake_all(struct offsched_run *run)
{
	u32 i;

	/* Pairs with the barrier of who begins to wait, and then looks at `over`. */
	smp_mb();
	for (i = 0; i < run->channels; i++)
		wake_up_all(&run->channel[i].wait);
	wake_up_all(&run->freed);
}

static void set_over(struct offsched_run *run)
{
	if (xchg(&run->over, true))
		return;
	wake_all(run);
	schedule_work(&run->core->changed);
}

/* Whether the core says that it runs. */
bool offsched_run_runs(struct offsched_run *run)
{
	switch (smp_load_acquire(&offsched_run_header(run)->state.state)) {
	case OFFSCHED_STATE_STARTING:
	case OFFSCHED_STATE_RUNNING:
	case OFFSCHED_STATE_STOPPING:
		return true;
	default:
		return false;
	}
}

/* Looks whether it still does; any context but NMI. */
void offsched_run_look(struct offsched_run *run)
{
	if (!offsched_run_runs(run))
		set_over(run);
}

/* The image lives, and its tables have been read. */
void offsched_run_live(struct offsched_run *run)
{
	smp_store_release(&run->live, true);
	/* It may have ended already, when nobody was looking. */
	offsched_run_look(run);
}

/* Whether the CPU is the image's: it must not be rung when it is Linux's, or parked. */
void offsched_run_reachable(struct offsched_run *run, bool reachable)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&run->bell_lock, flags);
	run->reachable = reachable && !run->parked;
	raw_spin_unlock_irqrestore(&run->bell_lock, flags);
}

/* Sends the start-up IPI, to a page below 1 MiB. False: it is parked, and would start anew. */
bool offsched_run_kick(struct offsched_run *run, u32 page)
{
	unsigned long flags;
	bool parked;

	raw_spin_lock_irqsave(&run->bell_lock, flags);
	parked = run->parked;
	if (!parked)
		apic->icr_write(APIC_DM_STARTUP | page, run->core->apic_id);
	raw_spin_unlock_irqrestore(&run->bell_lock, flags);
	return !parked;
}

/* The core has been parked: whatever it says last, it is not running. */
void offsched_run_end(struct offsched_run *run)
{
	struct offsched_header *header = offsched_run_header(run);

	if (READ_ONCE(header->state.state) != OFFSCHED_STATE_CRASHED)
		smp_store_release(&header->state.state, OFFSCHED_STATE_OFFLINE);
	set_over(run);
}

/*
 * Takes the CPU from a core that must not go on, and says why; any context but NMI. It waits for
 * its RETURN. Who sleeps is woken when the caller looks at it next (offsched_run_look).
 */
void offsched_run_fail(struct offsched_run *run, const char *why)
{
	struct offsched_header *header = offsched_run_header(run);
	unsigned long flags;

	raw_spin_lock_irqsave(&run->bell_lock, flags);
	run->parked = true;
	run->reachable = false;
	raw_spin_unlock_irqrestore(&run->bell_lock, flags);
	offsched_park(run->core->apic_id);
	pr_err("CPU %u: the core %s\n", run->core->cpu, why);
	strscpy((char *)header->crash.text, why, sizeof(header->crash.text));
	WRITE_ONCE(header->crash.len, strlen(why));
	smp_store_release(&header->state.state, OFFSCHED_STATE_CRASHED);
}
