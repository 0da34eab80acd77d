// SPDX-License-Identifier: GPL-2.0
/* /sys/class/offsched: one device for each CPU that has had an image. See sysfs.txt. */

#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "internal.h"

static ssize_t state_show(struct device *dev, struct device_attribute *attribute, char *to)
{
	struct offsched_core *core = dev_get_drvdata(dev);

	return sysfs_emit(to, "%s\n", READ_ONCE(core->shown));
}
static DEVICE_ATTR_RO(state);

static ssize_t epoch_show(struct device *dev, struct device_attribute *attribute, char *to)
{
	struct offsched_core *core = dev_get_drvdata(dev);

	return sysfs_emit(to, "%u\n", READ_ONCE(core->epoch));
}
static DEVICE_ATTR_RO(epoch);

/* A figure of the CPU's run; 0 without one. */
static ssize_t figure(struct device *dev, char *to, u64 (*of)(struct offsched_run *run))
{
	struct offsched_run *run = offsched_run_get(dev_get_drvdata(dev));
	u64 value = run ? of(run) : 0;

	offsched_run_put(run);
	return sysfs_emit(to, "%llu\n", value);
}

static u64 memory_of(struct offsched_run *run)
{
	return (u64)run->shared.count << PAGE_SHIFT;
}

static ssize_t shared_bytes_show(struct device *dev, struct device_attribute *attribute, char *to)
{
	return figure(dev, to, memory_of);
}
static DEVICE_ATTR_RO(shared_bytes);

static u64 channels_of(struct offsched_run *run)
{
	return smp_load_acquire(&run->channels);
}

static ssize_t channels_show(struct device *dev, struct device_attribute *attribute, char *to)
{
	return figure(dev, to, channels_of);
}
static DEVICE_ATTR_RO(channels);

static u64 bound_of(struct offsched_run *run)
{
	u32 channels = smp_load_acquire(&run->channels), i;
	u64 bound = 0;

	for (i = 0; i < channels; i++)
		bound += (READ_ONCE(run->channel[i].word) & 0xffff) == OFFSCHED_PHASE_OPEN;
	return bound;
}

static ssize_t channels_bound_show(struct device *dev, struct device_attribute *attribute, char *to)
{
	return figure(dev, to, bound_of);
}
static DEVICE_ATTR_RO(channels_bound);

static u64 floods_of(struct offsched_run *run)
{
	return READ_ONCE(run->floods);
}

static ssize_t floods_show(struct device *dev, struct device_attribute *attribute, char *to)
{
	return figure(dev, to, floods_of);
}
static DEVICE_ATTR_RO(floods);

static struct attribute *offsched_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_epoch.attr,
	&dev_attr_shared_bytes.attr,
	&dev_attr_channels.attr,
	&dev_attr_channels_bound.attr,
	&dev_attr_floods.attr,
	NULL,
};
ATTRIBUTE_GROUPS(offsched);

static struct class offsched_class = {
	.name		= "offsched",
	.dev_groups	= offsched_groups,
};

/* In remoteproc's words. */
static const char *state_of(struct offsched_core *core)
{
	struct offsched_run *run = offsched_run_get(core);
	const char *state = "offline";

	if (run && READ_ONCE(run->live) && READ_ONCE(core->state) == OFFSCHED_STAGE_OFFLOADED) {
		if (!READ_ONCE(run->over))
			state = "running";
		else if (READ_ONCE(offsched_run_header(run)->state.state) != OFFSCHED_STATE_OFFLINE)
			state = "crashed";
	}
	offsched_run_put(run);
	return state;
}

/* Tells user space if the state is another than the last time. May sleep. */
void offsched_sysfs_show(struct offsched_core *core)
{
	char text[sizeof("OFFSCHED_STATE=") + 16];
	char *environment[] = { text, NULL };
	const char *state;

	mutex_lock(&core->show_lock);
	state = state_of(core);
	if (state != core->shown && core->device) {
		WRITE_ONCE(core->shown, state);
		snprintf(text, sizeof(text), "OFFSCHED_STATE=%s", state);
		sysfs_notify(&core->device->kobj, NULL, "state");
		kobject_uevent_env(&core->device->kobj, KOBJ_CHANGE, environment);
	}
	mutex_unlock(&core->show_lock);
}

static void on_change(struct work_struct *work)
{
	offsched_sysfs_show(container_of(work, struct offsched_core, changed));
}

void offsched_sysfs_core(struct offsched_core *core)
{
	mutex_init(&core->show_lock);
	INIT_WORK(&core->changed, on_change);
	core->shown = "offline";
}

/* At the CPU's first image. */
int offsched_sysfs_add(struct offsched_core *core)
{
	struct device *device;

	if (core->device)
		return 0;
	device = device_create(&offsched_class, NULL, MKDEV(0, 0), core, "cpu%u", core->cpu);
	if (IS_ERR(device))
		return PTR_ERR(device);
	core->device = device;
	return 0;
}

void offsched_sysfs_remove(struct offsched_core *core)
{
	cancel_work_sync(&core->changed);
	if (core->device)
		device_unregister(core->device);
}

int offsched_sysfs_init(void)
{
	return class_register(&offsched_class);
}

void offsched_sysfs_exit(void)
{
	class_unregister(&offsched_class);
}
