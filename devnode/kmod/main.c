// SPDX-License-Identifier: GPL-2.0
/* The node /dev/offsched. What its calls mean is in offsched.h. */

#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

/* Held over loads, starts and returns: CPUs come and go one at a time anyway. */
DEFINE_MUTEX(offsched_lock);
static struct offsched_core *cores;	/* nr_cpu_ids of them */

struct offsched_core *offsched_core_at(unsigned int cpu)
{
	return cores + cpu;
}

/*
 * Loading an image is loading ring-0 code. Nobody else has to do with what runs
 * then, but to end it, or to limit who may use it, brings no code in: a core that
 * runs when the kernel is locked down can be stopped.
 */
static int may_control(unsigned int command)
{
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	if (command != OFFSCHED_IOC_LOAD && command != OFFSCHED_IOC_START)
		return 0;
	return security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

/* Makes it what the CPU is to run. On an error what was loaded before stays. */
static int install(struct offsched_core *core, struct offsched_run *run)
{
	int ret = offsched_sysfs_add(core);

	if (ret)
		return ret;
	if (core->state == OFFSCHED_STAGE_OFFLOADED)
		return -EBUSY;
	offsched_run_install(core, run);
	core->state = OFFSCHED_STAGE_LOADED;
	return 0;
}

/* The caller's memory may come slowly: only what is copied and checked takes the lock. */
static long load(struct offsched_handle *handle, void __user *argument)
{
	struct offsched_core *core;
	struct offsched_load load;
	struct offsched_run *run;
	int ret = may_control(OFFSCHED_IOC_LOAD);

	if (ret)
		return ret;
	if (copy_from_user(&load, argument, sizeof(load)))
		return -EFAULT;
	if (load.cpu == OFFSCHED_ANY_CPU)
		return -EINVAL;
	core = offsched_core_find(load.cpu);
	if (IS_ERR(core))
		return PTR_ERR(core);
	run = offsched_image_load(core, &load);
	if (IS_ERR(run))
		return PTR_ERR(run);
	mutex_lock(&offsched_lock);
	ret = install(core, run);
	mutex_unlock(&offsched_lock);
	if (ret)
		offsched_run_put(run);
	else
		WRITE_ONCE(handle->core, core);
	return ret;
}

static long status(struct offsched_core *core, void __user *argument)
{
	struct offsched_core_status status = { 0 };

	if (!core)
		return -EINVAL;
	if (mutex_lock_interruptible(&offsched_lock))
		return -ERESTARTSYS;
	status.cpu = core->cpu;
	status.state = core->state;
	status.epoch = core->epoch;
	if (core->run) {
		status.shared_bytes = (u64)core->run->shared.count << PAGE_SHIFT;
		status.public_bytes = core->run->public_bytes;
	}
	mutex_unlock(&offsched_lock);
	return copy_to_user(argument, &status, sizeof(status)) ? -EFAULT : 0;
}

/* Under offsched_lock. */
static long control_locked(struct offsched_core *core, unsigned int command,
			   const struct offsched_limit *limit)
{
	if (command == OFFSCHED_IOC_START)
		return offsched_start(core);
	if (command == OFFSCHED_IOC_LIMIT)
		return core->state == OFFSCHED_STAGE_LOADED ?
			offsched_limit_add(core->run, limit) : -EINVAL;
	if (core->state != OFFSCHED_STAGE_OFFLOADED)
		return -EINVAL;
	if (command == OFFSCHED_IOC_RETURN)
		return offsched_return(core);
	offsched_ask_to_stop(core);
	return 0;
}

/* START, STOP, RETURN and LIMIT. */
static long control(struct offsched_core *core, unsigned int command, void __user *argument)
{
	struct offsched_limit limit = { 0 };
	long ret = may_control(command);

	if (ret)
		return ret;
	if (!core)
		return -EINVAL;
	if (command == OFFSCHED_IOC_LIMIT && copy_from_user(&limit, argument, sizeof(limit)))
		return -EFAULT;
	if (mutex_lock_interruptible(&offsched_lock))
		return -ERESTARTSYS;
	ret = control_locked(core, command, &limit);
	mutex_unlock(&offsched_lock);
	return ret;
}

static long attach(struct offsched_handle *handle, u32 __user *argument)
{
	u32 cpu;
	int ret;

	if (get_user(cpu, argument))
		return -EFAULT;
	if (mutex_lock_interruptible(&handle->lock))
		return -ERESTARTSYS;
	ret = offsched_handle_attach(handle, &cpu);
	mutex_unlock(&handle->lock);
	return ret ? ret : put_user(cpu, argument);
}

/* What went wrong with the version is told too. */
static long bind(struct offsched_handle *handle, void __user *argument)
{
	struct offsched_bind bind;
	long ret;

	if (copy_from_user(&bind, argument, sizeof(bind)))
		return -EFAULT;
	ret = offsched_handle_bind(handle, &bind);
	if ((!ret || ret == -EPROTO) && copy_to_user(argument, &bind, sizeof(bind)))
		return -EFAULT;
	return ret;
}

static long offsched_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct offsched_handle *handle = file->private_data;
	void __user *at = (void __user *)argument;

	switch (command) {
	case OFFSCHED_IOC_ATTACH:
		return attach(handle, at);
	case OFFSCHED_IOC_BIND:
		return bind(handle, at);
	case OFFSCHED_IOC_RING:
		return offsched_handle_ring(handle);
	case OFFSCHED_IOC_CLOSE:
		return offsched_handle_close(handle);
	case OFFSCHED_IOC_LOAD:
		return load(handle, at);
	case OFFSCHED_IOC_STATUS:
		return status(READ_ONCE(handle->core), at);
	case OFFSCHED_IOC_LIMIT:
	case OFFSCHED_IOC_START:
	case OFFSCHED_IOC_STOP:
	case OFFSCHED_IOC_RETURN:
		return control(READ_ONCE(handle->core), command, at);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations offsched_operations = {
	.owner		= THIS_MODULE,
	.open		= offsched_open,
	.flush		= offsched_flush,
	.release	= offsched_release,
	.unlocked_ioctl	= offsched_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= offsched_mmap,
	.poll		= offsched_poll,
	.read_iter	= offsched_read_iter,
	.write_iter	= offsched_write_iter,
};

static struct miscdevice offsched_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "offsched",
	.fops	= &offsched_operations,
	.mode	= 0660,
};

static void forget_cores(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		offsched_sysfs_remove(cores + cpu);
		offsched_run_put(cores[cpu].run);
	}
	kfree(cores);
}

static int make_cores(void)
{
	unsigned int cpu;

	cores = kcalloc(nr_cpu_ids, sizeof(*cores), GFP_KERNEL);
	if (!cores)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		cores[cpu].cpu = cpu;
		spin_lock_init(&cores[cpu].lock);
		offsched_sysfs_core(cores + cpu);
	}
	return 0;
}

static int __init offsched_init(void)
{
	int ret = make_cores();

	if (ret)
		return ret;
	ret = offsched_sysfs_init();
	if (ret)
		goto cores;
	ret = offsched_wake_init();
	if (ret)
		goto sysfs;
	ret = offsched_guard_init();
	if (ret)
		goto wake;
	ret = misc_register(&offsched_device);
	if (ret)
		goto guard;
	return 0;

guard:
	offsched_guard_exit();
wake:
	offsched_wake_exit();
sysfs:
	offsched_sysfs_exit();
cores:
	forget_cores();
	return ret;
}

/* An offloaded core holds a reference to the module: none is left here. */
static void __exit offsched_exit(void)
{
	misc_deregister(&offsched_device);
	offsched_guard_exit();
	forget_cores();
	offsched_wake_exit();
	offsched_sysfs_exit();
}

module_init(offsched_init);
module_exit(offsched_exit);
MODULE_DESCRIPTION("Runs images on CPUs taken out of Linux");
MODULE_LICENSE("GPL");
