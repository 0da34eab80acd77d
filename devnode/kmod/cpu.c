// SPDX-License-Identifier: GPL-2.0
/* Taking a CPU out of Linux and giving it back. */

#include <linux/cpu.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <asm/apic.h>
#include <asm/smp.h>
#include <asm/tsc.h>

#include "internal.h"

static void tell(struct offsched_core *core)
{
	struct offsched_params *params = page_address(core->params);
	unsigned long flags;

	if (!++core->epoch)
		core->epoch = 1;
	*params = (struct offsched_params) {
		.magic = OFFSCHED_PARAMS_MAGIC,
		.root = page_to_phys(core->root),
		.shared_bytes = (u64)core->shared.count << PAGE_SHIFT,
		.tsc_khz = tsc_khz,
		.cpu = core->cpu,
		.apic_id = core->apic_id,
		.epoch = core->epoch,
	};
	local_irq_save(flags);
	params->tsc = rdtsc_ordered();
	params->monotonic_ns = ktime_get_ns();
	local_irq_restore(flags);
}

static int give_back(struct offsched_core *core)
{
	int ret;

	/* After INIT the CPU waits for a start-up IPI and touches no memory. */
	offsched_park(core->apic_id);
	core->state = OFFSCHED_RETURNED;
	offsched_guard_give(core->cpu);
	/* 1: somebody else was quicker to plug it in. */
	ret = add_cpu(core->cpu);
	module_put(THIS_MODULE);
	return ret < 0 ? ret : 0;
}

int offsched_start(struct offsched_core *core)
{
	int ret;

	if (core->state != OFFSCHED_LOADED)
		return -EINVAL;
	if (!cpu_online(core->cpu))
		return -ENODEV;
	core->apic_id = per_cpu(x86_cpu_to_apicid, core->cpu);
	__module_get(THIS_MODULE);
	/* First, or somebody could plug it in again before we have it. */
	offsched_guard_take(core->cpu);
	ret = remove_cpu(core->cpu);
	if (ret) {
		offsched_guard_give(core->cpu);
		module_put(THIS_MODULE);
		return ret < 0 ? ret : -ENODEV;
	}
	core->state = OFFSCHED_OFFLOADED;
	tell(core);
	ret = offsched_launch(core);
	if (ret && give_back(core))
		pr_err("CPU %u did not come back to Linux\n", core->cpu);
	return ret;
}

void offsched_ask_to_stop(struct offsched_core *core)
{
	struct offsched_params *params = page_address(core->params);

	smp_store_release(&params->stop, 1);
	apic->icr_write(APIC_DM_FIXED | OFFSCHED_DOORBELL, core->apic_id);
}

int offsched_return(struct offsched_core *core)
{
	return give_back(core);
}
