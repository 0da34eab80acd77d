// SPDX-License-Identifier: GPL-2.0
/* Taking a CPU out of Linux and giving it back. All under offsched_lock. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <asm/apic.h>
#include <asm/smp.h>
#include <asm/tsc.h>

#include "internal.h"

/* For a crash record, 100 to 200 us each: a virtual CPU may be away for long. */
#define DUMP_LOOKS	1000

static void tell(struct offsched_core *core, struct offsched_run *run)
{
	struct offsched_params *params = page_address(run->params);
	unsigned long flags;

	if (!++core->epoch)
		core->epoch = 1;
	run->epoch = core->epoch;
	/* Not `notify`: the interrupt may move at any time. */
	params->magic = OFFSCHED_PARAMS_MAGIC;
	params->root = page_to_phys(run->root);
	params->shared_bytes = (u64)run->shared.count << PAGE_SHIFT;
	params->tsc_khz = tsc_khz;
	params->cpu = core->cpu;
	params->apic_id = core->apic_id;
	params->epoch = core->epoch;
	local_irq_save(flags);
	params->tsc = rdtsc_ordered();
	params->monotonic_ns = ktime_get_ns();
	local_irq_restore(flags);
}

/*
 * A core that was asked to stop and says that it runs is wedged, or in a long job: before
 * its CPU goes it is to leave a record of where. With interrupts off it hears nothing but an
 * NMI; one that does not do as it is told is not waited for long.
 */
static void dump(struct offsched_core *core, struct offsched_run *run)
{
	struct offsched_params *params = page_address(run->params);
	int i;

	/* One that is parked already hears nothing. */
	if (!params->stop || READ_ONCE(run->parked) || !offsched_run_runs(run))
		return;
	WRITE_ONCE(params->dump, 1);
	offsched_interrupt_always(core->apic_id);
	for (i = 0; i < DUMP_LOOKS && offsched_run_runs(run); i++)
		usleep_range(100, 200);
}

/* The CPU is the image's: takes it from there, whatever it does. */
static int give_back(struct offsched_core *core, struct offsched_run *run)
{
	int ret;

	offsched_run_reachable(run, false);
	dump(core, run);
	/* After INIT the CPU waits for a start-up IPI and touches no memory. */
	offsched_park(core->apic_id);
	WRITE_ONCE(core->state, OFFSCHED_STAGE_RETURNED);
	offsched_wake_close(run);
	offsched_run_end(run);
	offsched_run_strip(run);
	offsched_guard_give(core->cpu);
	/* 1: somebody else was quicker to plug it in. */
	ret = add_cpu(core->cpu);
	offsched_sysfs_show(core);
	module_put(THIS_MODULE);
	return ret < 0 ? ret : 0;
}

/* Takes the CPU out of Linux. */
static int take(struct offsched_core *core)
{
	int ret;

	/* First, or somebody could plug it in again before we have it. */
	ret = offsched_guard_take(core->cpu);
	if (ret)
		return ret;
	__module_get(THIS_MODULE);
	ret = remove_cpu(core->cpu);
	if (!ret)
		return 0;
	offsched_guard_give(core->cpu);
	module_put(THIS_MODULE);
	return ret < 0 ? ret : -ENODEV;
}

static int launch(struct offsched_core *core, struct offsched_run *run)
{
	int ret;

	tell(core, run);
	ret = offsched_launch(core, run);
	if (!ret)
		ret = offsched_region_read(run);
	return ret;
}

int offsched_start(struct offsched_core *core)
{
	struct offsched_run *run = core->run;
	int ret;

	if (core->state != OFFSCHED_STAGE_LOADED)
		return -EINVAL;
	if (!cpu_online(core->cpu))
		return -ENODEV;
	core->apic_id = per_cpu(x86_cpu_to_apicid, core->cpu);
	ret = offsched_wake_open(run);
	if (ret)
		return ret;
	ret = take(core);
	if (ret) {
		offsched_wake_close(run);
		return ret;
	}
	WRITE_ONCE(core->state, OFFSCHED_STAGE_OFFLOADED);
	ret = launch(core, run);
	if (ret) {
		if (give_back(core, run))
			pr_err("CPU %u did not come back to Linux\n", core->cpu);
		return ret;
	}
	offsched_run_reachable(run, true);
	offsched_run_live(run);
	offsched_sysfs_show(core);
	return 0;
}

void offsched_ask_to_stop(struct offsched_core *core)
{
	struct offsched_params *params = page_address(core->run->params);

	smp_store_release(&params->stop, 1);
	offsched_interrupt(core->apic_id);
}

int offsched_return(struct offsched_core *core)
{
	return give_back(core, core->run);
}
