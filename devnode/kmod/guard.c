// SPDX-License-Identifier: GPL-2.0
/* What must not happen to an offloaded CPU behind its back. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kexec.h>
#include <linux/mutex.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include <linux/spinlock.h>
#include <linux/suspend.h>
#include <asm/smp.h>

#include "internal.h"

/* Longer than a start takes, 10 ms each. */
#define REBOOT_LOOKS	300

static DEFINE_SPINLOCK(lock);		/* all three */
static struct cpumask offloaded;
static bool asleep;			/* Linux is about to sleep, or to be replaced */
static bool ending;			/* Linux is about to end; for good */
static int hotplug_state;

/* EBUSY: not now. */
int offsched_guard_take(unsigned int cpu)
{
	int ret = -EBUSY;

	if (kexec_crash_loaded())
		pr_notice_once("a crash kernel starts beside cores that run on, unless crash_kexec_post_notifiers is set\n");
	spin_lock(&lock);
	if (!asleep && !ending) {
		cpumask_set_cpu(cpu, &offloaded);
		ret = 0;
	}
	spin_unlock(&lock);
	return ret;
}

/* False if there is an offloaded CPU. */
static bool may_sleep_now(void)
{
	bool empty;

	spin_lock(&lock);
	empty = cpumask_empty(&offloaded);
	if (empty)
		asleep = true;
	spin_unlock(&lock);
	return empty;
}

static void set(bool *flag, bool value)
{
	spin_lock(&lock);
	*flag = value;
	spin_unlock(&lock);
}

void offsched_guard_give(unsigned int cpu)
{
	cpumask_clear_cpu(cpu, &offloaded);
}

static int veto(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &offloaded) ? -EBUSY : 0;
}

/* Those that an image has: of one that is being taken, Linux may not have let go yet. */
static void park_all(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &offloaded)
		if (READ_ONCE(offsched_core_at(cpu)->state) == OFFSCHED_STAGE_OFFLOADED)
			offsched_park(per_cpu(x86_cpu_to_apicid, cpu));
}

/*
 * Nothing may run on over memory that the next kernel takes for its own: kexec comes here too.
 * Whoever is starting a core now gets it, and is waited for, as long as that may take.
 */
static int on_reboot(struct notifier_block *block, unsigned long action, void *data)
{
	int looks;

	set(&ending, true);
	for (looks = 0; looks < REBOOT_LOOKS && !mutex_trylock(&offsched_lock); looks++)
		msleep(10);
	if (looks < REBOOT_LOOKS)
		mutex_unlock(&offsched_lock);
	park_all();
	return NOTIFY_DONE;
}

/*
 * Linux is gone; services that do not need it keep their deadlines. Only if a
 * crash kernel comes next is there nothing to serve.
 *
 * By default it comes before the notifiers, and stock kernels call no module
 * before that (the one hook is KVM's). Then the cores run on: in the old kernel's
 * memory, of which their tables show them their own and nothing else, so the
 * crash kernel is safe from them, but a dump shows them changing, and their rings
 * are interrupts that it does not know. It resets them when it starts their CPUs.
 * Who would rather have them parked sets crash_kexec_post_notifiers, which makes
 * dumps a little less certain for everybody: an administrator's choice, who is
 * told of it here.
 */
static int on_panic(struct notifier_block *block, unsigned long action, void *data)
{
	if (kexec_crash_loaded())
		park_all();
	return NOTIFY_DONE;
}

/* A resume from hibernation fills all memory with another Linux's, a core's too. */
static int on_suspend(struct notifier_block *block, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return may_sleep_now() ? NOTIFY_DONE : notifier_from_errno(-EBUSY);
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		set(&asleep, false);
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = { .notifier_call = on_reboot };
static struct notifier_block panic_block = { .notifier_call = on_panic };
static struct notifier_block suspend_block = { .notifier_call = on_suspend };

int offsched_guard_init(void)
{
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "offsched:veto",
						  veto, NULL);
	if (hotplug_state < 0)
		return hotplug_state;
	register_reboot_notifier(&reboot_block);
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	register_pm_notifier(&suspend_block);
	return 0;
}

void offsched_guard_exit(void)
{
	unregister_pm_notifier(&suspend_block);
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	unregister_reboot_notifier(&reboot_block);
	cpuhp_remove_state_nocalls(hotplug_state);
}
