// SPDX-License-Identifier: GPL-2.0
/* The node /dev/offsched. What its calls mean is in offsched.h. */

#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

/* Held over every operation: CPUs come and go one at a time anyway. */
static DEFINE_MUTEX(offsched_lock);
static struct offsched_core *cores;	/* nr_cpu_ids of them */

static int attach(struct file *file, u32 cpu)
{
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	file->private_data = cores + array_index_nospec(cpu, nr_cpu_ids);
	return 0;
}

/* misc_open leaves the miscdevice there. */
static int offsched_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

/* Loading an image is loading ring-0 code. */
static int may_load(void)
{
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	return security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

static long load(struct file *file, void __user *argument)
{
	struct offsched_load load;
	struct offsched_core *core;
	int ret;

	if (copy_from_user(&load, argument, sizeof(load)))
		return -EFAULT;
	ret = attach(file, load.cpu);
	if (ret)
		return ret;
	core = file->private_data;
	return core->state == OFFSCHED_OFFLOADED ? -EBUSY : offsched_load(core, &load);
}

static long status(const struct offsched_core *core, void __user *argument)
{
	struct offsched_status status = {
		.cpu = core->cpu,
		.state = core->state,
		.epoch = core->epoch,
		.shared_bytes = (u64)core->shared.count << PAGE_SHIFT,
	};

	return copy_to_user(argument, &status, sizeof(status)) ? -EFAULT : 0;
}

static long control(struct offsched_core *core, unsigned int command)
{
	int ret = may_load();

	if (ret)
		return ret;
	if (command == OFFSCHED_IOC_START)
		return offsched_start(core);
	if (core->state != OFFSCHED_OFFLOADED)
		return -EINVAL;
	if (command == OFFSCHED_IOC_RETURN)
		return offsched_return(core);
	offsched_ask_to_stop(core);
	return 0;
}

static long offsched_ioctl_locked(struct file *file, unsigned int command, void __user *argument)
{
	u32 cpu;
	int ret;

	switch (command) {
	case OFFSCHED_IOC_ATTACH:
		return get_user(cpu, (u32 __user *)argument) ?: attach(file, cpu);
	case OFFSCHED_IOC_LOAD:
		ret = may_load();
		return ret ? ret : load(file, argument);
	case OFFSCHED_IOC_START:
	case OFFSCHED_IOC_STOP:
	case OFFSCHED_IOC_RETURN:
		return file->private_data ? control(file->private_data, command) : -EINVAL;
	case OFFSCHED_IOC_STATUS:
		return file->private_data ? status(file->private_data, argument) : -EINVAL;
	default:
		return -ENOTTY;
	}
}

static long offsched_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	long ret;

	if (mutex_lock_interruptible(&offsched_lock))
		return -ERESTARTSYS;
	ret = offsched_ioctl_locked(file, command, (void __user *)argument);
	mutex_unlock(&offsched_lock);
	return ret;
}

/*
 * Read-only, for good: a handle that was opened for writing could turn its
 * mapping writable later, and a private one would not show what changes.
 */
static int map_shared(const struct offsched_core *core, struct vm_area_struct *vma)
{
	unsigned long i, count = vma_pages(vma);
	int ret = 0;

	if (vma->vm_pgoff || count > core->shared.count)
		return -EINVAL;
	for (i = 0; !ret && i < count; i++)
		ret = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE, core->shared.page[i]);
	return ret;
}

static int offsched_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret;

	if (!file->private_data)
		return -EINVAL;
	if (file->f_mode & FMODE_WRITE || vma->vm_flags & (VM_WRITE | VM_EXEC | VM_MAYWRITE))
		return -EACCES;
	/* The caller holds the mmap lock, which copy_from_user may want under ours. */
	if (!mutex_trylock(&offsched_lock))
		return -EAGAIN;
	ret = map_shared(file->private_data, vma);
	mutex_unlock(&offsched_lock);
	return ret;
}

static const struct file_operations offsched_operations = {
	.owner		= THIS_MODULE,
	.open		= offsched_open,
	.unlocked_ioctl	= offsched_ioctl,
	.mmap		= offsched_mmap,
	.llseek		= noop_llseek,
};

static struct miscdevice offsched_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "offsched",
	.fops	= &offsched_operations,
	.mode	= 0600,
};

static int __init offsched_init(void)
{
	unsigned int cpu;
	int ret;

	cores = kcalloc(nr_cpu_ids, sizeof(*cores), GFP_KERNEL);
	if (!cores)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		cores[cpu].cpu = cpu;
		INIT_LIST_HEAD(&cores[cpu].tables);
	}
	ret = offsched_guard_init();
	if (ret)
		goto free;
	ret = misc_register(&offsched_device);
	if (ret)
		goto guard;
	return 0;

guard:
	offsched_guard_exit();
free:
	kfree(cores);
	return ret;
}

/* An offloaded core holds a reference to the module: none is left here. */
static void __exit offsched_exit(void)
{
	unsigned int cpu;

	misc_deregister(&offsched_device);
	offsched_guard_exit();
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		offsched_unload(cores + cpu);
	kfree(cores);
}

module_init(offsched_init);
module_exit(offsched_exit);
MODULE_DESCRIPTION("Runs images on CPUs taken out of Linux");
MODULE_LICENSE("GPL");
