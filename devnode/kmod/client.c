// SPDX-License-Identifier: GPL-2.0
/* A client's handle: bound to a channel, rung, and closed in time. */

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "internal.h"

/* Least time between two rings of one handle, ns. */
#define RING_MIN_NS	10000

/* misc_open leaves the miscdevice in private_data. */
int offsched_open(struct inode *inode, struct file *file)
{
	struct offsched_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);

	if (!handle)
		return -ENOMEM;
	mutex_init(&handle->lock);
	mutex_init(&handle->reading);
	mutex_init(&handle->writing);
	offsched_poll_init(handle);
	handle->file = file;
	file->private_data = handle;
	/* Who asks not to wait is kept by no other reader, writer or peer; its memory may be paged in. */
	file->f_mode |= FMODE_NOWAIT;
	return nonseekable_open(inode, file);
}

/* True while the channel is this handle's. */
bool offsched_handle_open(struct offsched_handle *handle)
{
	struct offsched_channel *channel = offsched_handle_channel(handle);

	return channel &&
	       READ_ONCE(channel->word) == offsched_word(handle->epoch, OFFSCHED_PHASE_OPEN);
}

static void close_channel(struct offsched_handle *handle)
{
	struct offsched_channel *channel = offsched_handle_channel(handle);

	if (!channel || !offsched_channel_cut(handle->run, channel, handle->epoch))
		return;
	offsched_poll_end(handle, channel);
	/* A page fault holds the run's lock: it came before and is undone, or finds it cut. */
	unmap_mapping_range(handle->file->f_mapping, handle->run->map_base + channel->offset,
			    offsched_channel_bytes(handle->run->service + channel->service), 1);
	/* Calls under way may be in the rings still: until they let go. */
	mutex_lock(&handle->reading);
	mutex_unlock(&handle->reading);
	mutex_lock(&handle->writing);
	mutex_unlock(&handle->writing);
	offsched_channel_free(handle->run, channel, handle->epoch);
}

static int is_file(const void *wanted, struct file *file, unsigned int fd)
{
	return file == wanted;
}

/* True if the process with those files has a descriptor of the handle. */
static bool has_descriptor(fl_owner_t files, struct file *file)
{
	return iterate_fd(files, 0, is_file, file);
}

/* A process has closed a descriptor, or is ending. A child with a copy is no reason to keep on. */
int offsched_flush(struct file *file, fl_owner_t id)
{
	struct offsched_handle *handle = file->private_data;

	if (offsched_handle_channel(handle) && handle->owner == id && !has_descriptor(id, file))
		close_channel(handle);
	return 0;
}

int offsched_release(struct inode *inode, struct file *file)
{
	struct offsched_handle *handle = file->private_data;

	close_channel(handle);
	offsched_run_put(handle->run);
	kfree(handle);
	return 0;
}

/* A CPU whose image runs, else one whose image has run, else none. */
static struct offsched_core *any_core(void)
{
	struct offsched_core *second = NULL;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct offsched_core *core = offsched_core_at(cpu);
		struct offsched_run *run = offsched_run_get(core);
		bool live = run && READ_ONCE(run->live);
		bool over = run && READ_ONCE(run->over);

		offsched_run_put(run);
		if (live && !over)
			return core;
		if (live && !second)
			second = core;
	}
	return second;
}

/* The core of a CPU, or of any; an error pointer. */
struct offsched_core *offsched_core_find(u32 cpu)
{
	struct offsched_core *any;

	if (cpu == OFFSCHED_ANY_CPU) {
		any = any_core();
		return any ? any : ERR_PTR(-ENODEV);
	}
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return ERR_PTR(-EINVAL);
	return offsched_core_at(array_index_nospec(cpu, nr_cpu_ids));
}

int offsched_handle_attach(struct offsched_handle *handle, u32 *cpu)
{
	struct offsched_core *core = offsched_core_find(*cpu);

	if (IS_ERR(core))
		return PTR_ERR(core);
	*cpu = core->cpu;
	WRITE_ONCE(handle->core, core);
	return 0;
}

static int open_waiting(struct offsched_run *run, const struct offsched_bind *bind,
			struct offsched_channel **found)
{
	long left = bind->wait_ms ? msecs_to_jiffies(bind->wait_ms) : MAX_SCHEDULE_TIMEOUT;

	for (;;) {
		u32 seen = smp_load_acquire(&run->frees);
		int ret = offsched_channel_open(run, bind->name, found);

		if (ret != -EBUSY || !(bind->flags & OFFSCHED_BIND_WAIT))
			return ret;
		left = wait_event_interruptible_timeout(run->freed, READ_ONCE(run->frees) != seen ||
							READ_ONCE(run->over), left);
		if (!left)
			return -EBUSY;
		/* A wait with an end is not begun anew behind the caller's back. */
		if (left < 0)
			return bind->wait_ms ? -EINTR : -ERESTARTSYS;
	}
}

static int bind_to(struct offsched_handle *handle, struct offsched_run *run,
		   struct offsched_bind *bind)
{
	struct offsched_channel *channel;
	const struct offsched_service_entry *service;
	int ret;

	if (!smp_load_acquire(&run->live))
		return -ENODEV;
	if (bind->abi_version != run->abi_version || bind->layout_hash != run->layout_hash) {
		bind->abi_version = run->abi_version;
		bind->layout_hash = run->layout_hash;
		return -EPROTO;
	}
	service = offsched_service_find(run, bind->name);
	if (!service)
		return -ENOENT;
	if (!offsched_limit_passes(run, service))
		return -EPERM;
	if (!offsched_service_takes(service, bind->rx_type, bind->tx_type))
		return -EPROTOTYPE;
	ret = open_waiting(run, bind, &channel);
	if (ret)
		return ret;
	handle->run = run;
	handle->epoch = offsched_word_epoch(channel->word);
	handle->owner = current->files;
	/* Checked when the tables were read: a ring is never too small. */
	WARN_ON(offsched_end_attach(&handle->end, &channel->word, run->view + channel->offset,
				    service, handle->epoch));
	bind->service = channel->service;
	bind->channel = channel->index;
	bind->channel_epoch = handle->epoch;
	bind->core_epoch = run->epoch;
	bind->cpu = run->core->cpu;
	bind->offset = run->map_base + channel->offset;
	bind->bytes = offsched_channel_bytes(service);
	offsched_poll_begin(handle, channel);
	return 0;
}

/* Under handle->lock. */
static int bind_locked(struct offsched_handle *handle, struct offsched_bind *bind)
{
	struct offsched_run *run;
	u32 any = OFFSCHED_ANY_CPU;
	int ret;

	if (handle->channel)
		return -EISCONN;
	if (!handle->core) {
		ret = offsched_handle_attach(handle, &any);
		if (ret)
			return ret;
	}
	run = offsched_run_get(handle->core);
	if (!run)
		return -ENODEV;
	ret = bind_to(handle, run, bind);
	if (ret) {
		offsched_run_put(run);
		return ret;
	}
	/* Another thread may have closed it meanwhile, with nothing to close yet. */
	if (!has_descriptor(current->files, handle->file)) {
		close_channel(handle);
		return -EBADF;
	}
	return 0;
}

int offsched_handle_bind(struct offsched_handle *handle, struct offsched_bind *bind)
{
	int ret;

	if ((handle->file->f_mode & (FMODE_READ | FMODE_WRITE)) != (FMODE_READ | FMODE_WRITE))
		return -EBADF;
	if (bind->flags & ~OFFSCHED_BIND_WAIT || (bind->wait_ms && !bind->flags))
		return -EINVAL;
	if (mutex_lock_interruptible(&handle->lock))
		return -ERESTARTSYS;
	ret = bind_locked(handle, bind);
	mutex_unlock(&handle->lock);
	return ret;
}

/* CLOSE: before the handle goes. */
int offsched_handle_close(struct offsched_handle *handle)
{
	if (!offsched_handle_channel(handle))
		return -ENOTCONN;
	close_channel(handle);
	return 0;
}

/* Decides, or confirms, how the client uses its channel. */
int offsched_handle_use(struct offsched_handle *handle, enum offsched_use use)
{
	int was;

	if (!offsched_handle_channel(handle))
		return -ENOTCONN;
	was = cmpxchg(&handle->use, OFFSCHED_UNUSED, use);
	return was == OFFSCHED_UNUSED || was == use ? 0 : -EBUSY;
}

/* Sleeps until the handle's next ring is due. Threads queue up: no more rings for more of them. */
static void pace(struct offsched_handle *handle)
{
	s64 now = ktime_get_ns(), may = atomic64_read(&handle->may_ring), mine;

	do {
		mine = max(now, may);
	} while (!atomic64_try_cmpxchg(&handle->may_ring, &may, mine + RING_MIN_NS));
	if (mine > now)
		usleep_range((mine - now) / NSEC_PER_USEC + 1, (mine - now) / NSEC_PER_USEC + 11);
}

/* RING: the client has published, and the core wants to be told. */
int offsched_handle_ring(struct offsched_handle *handle)
{
	if (!offsched_handle_channel(handle))
		return -ENOTCONN;
	pace(handle);
	if (READ_ONCE(handle->run->over))
		return -EIO;
	if (!offsched_handle_open(handle))
		return -ESHUTDOWN;
	offsched_wake_core(handle->run);
	return 0;
}
