/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks, outermost first. Nothing that a program outside can hold up, like its
 * memory, is touched under any of them.
 *
 *   offsched_lock       stages of all cores; remove_cpu and add_cpu under it
 *   handle->lock        a handle's CPU and its binding; a BIND that waits sleeps under it
 *   handle->reading,    a half of its rings each; a call that waits sleeps under
 *   handle->writing     it, and lets go when the channel is closed
 *   mmap_lock           the kernel's: page faults take run->lock under it
 *   run->lock           who has which channel
 *   core->show_lock     what user space was told
 *   wait queues         (irq-safe) a handle's inside its channel's
 *   core->lock          which run is the CPU's
 *   guard's lock        which CPUs are offloaded
 *   irq descriptor      the kernel's: its set_affinity publishes
 *   run->bell_lock      (raw, irq-safe) the core's reachability, the published interrupt
 *
 * Who lives how long: a core as long as the module; a run by its kref, of which
 * the core has one, each bound handle and each client in the kernel one; a
 * handle as long as its file, which every mapping holds. The interrupt and the
 * works of a run end in offsched_wake_close, before what they use goes.
 */
#ifndef OFFSCHED_INTERNAL_H
#define OFFSCHED_INTERNAL_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "offsched.h"
#include "ring.h"

/* Pages that need not be contiguous. */
struct offsched_pages {
	struct page **page;
	unsigned long count;
};

/* A channel of a run. `word` is what this side believes; the region shows a copy. */
struct offsched_channel {
	u32 word;
	u32 index;
	u32 service;
	u64 offset;		/* in shared memory */
	u64 closed;		/* when it was closed last, by the TSC; 0: never */
	bool claimed;		/* free, and about to be opened; under run->lock */
	wait_queue_head_t wait;
};

/*
 * An image and its memory, from LOAD on; one start at most. Lives as long as
 * anybody has a handle of it, so that nothing is freed under a client.
 */
struct offsched_run {
	struct kref ref;
	struct offsched_core *core;	/* lives as long as the module */
	u32 epoch;
	u64 entry;
	struct offsched_pages image;
	struct offsched_pages shared;
	u64 public_bytes;
	struct page *params;
	struct list_head tables;	/* page table pages, by page->lru */
	struct page *root;
	void *view;			/* shared memory */
	u64 map_base;			/* mmap offset of its first byte, in no other run's range */
	unsigned int irq;

	/* From the region, checked, when the image lives: the image changes it no more. */
	u32 abi_version;
	u64 layout_hash;
	u32 services;
	u32 channels;
	struct offsched_service_entry *service;
	struct offsched_channel *channel;
	u32 limits;			/* added before the start */
	struct offsched_allowed *limit;
	u32 *states;			/* in the region: the channels' words, for all to see */
	u64 *heartbeat;			/* in the region: when the idle loop looked last */

	/* Who has which channel; held over nothing that may wait for users. */
	struct mutex lock;
	wait_queue_head_t freed;
	u32 frees;			/* channels that became free, ever */
	bool live;			/* clients may bind */
	bool over;			/* the core has ended, one way or another */
	raw_spinlock_t bell_lock;
	bool reachable;			/* the CPU is the image's: under bell_lock */
	bool parked;			/* for what it did, until its RETURN: under bell_lock */
	bool quiet;			/* told not to ring: under bell_lock */
	u64 window;			/* of the interrupt, as what follows: since when, cycles */
	u64 last;			/* when the last one came */
	u64 taken;			/* time since `window` that was the core's, weighed */
	bool near;			/* soon after the one before */
	bool again;			/* the next one was there before the last was over */
	u32 count;			/* interrupts since `window` */
	u32 weight;			/* the same, one for nobody as ten */
	u32 deaf;			/* interrupts since it was told */
	u32 heard;			/* of them, when `rest` looked last */
	u32 floods;			/* times that it was told */
	struct delayed_work rest;	/* lets it ring again */
};

/* A CPU. Under offsched_lock, but `run` and what sysfs shows. */
struct offsched_core {
	unsigned int cpu;
	unsigned int apic_id;
	enum offsched_stage state;
	u32 epoch;
	spinlock_t lock;		/* run */
	struct offsched_run *run;
	struct device *device;
	const char *shown;		/* the state that user space was told last */
	struct mutex show_lock;
	struct work_struct changed;
};

/* How a client uses its channel. */
enum offsched_use {
	OFFSCHED_UNUSED,
	OFFSCHED_MAPPED,
	OFFSCHED_CALLS,
};

/* An open file of the node. */
struct offsched_handle {
	struct mutex lock;		/* ATTACH and BIND */
	struct file *file;
	struct offsched_core *core;
	/* Set by BIND, for good; `channel` last. */
	struct offsched_run *run;
	struct offsched_channel *channel;
	u16 epoch;
	fl_owner_t owner;
	int use;			/* enum offsched_use */
	wait_queue_head_t unbound;	/* who polled before there was a channel */
	wait_queue_entry_t relay;	/* from the channel to them */
	atomic64_t may_ring;		/* from when on it may ring again, ns */
	/* For read and write. */
	struct mutex reading;
	struct mutex writing;
	struct offsched_end end;
};

/* main.c */
struct offsched_core *offsched_core_at(unsigned int cpu);
extern struct mutex offsched_lock;

/* memory.c */
int offsched_pages_alloc(struct offsched_pages *pages, unsigned long count);
void offsched_pages_free(struct offsched_pages *pages);
struct page *offsched_tables_new(struct list_head *tables);
int offsched_tables_map(struct list_head *tables, struct page *root, u64 va, u64 pa, u64 flags);
int offsched_tables_share(struct page *to, struct page *from, u64 va);
void offsched_tables_free(struct list_head *tables);

/* image.c */
struct offsched_run *offsched_image_load(struct offsched_core *core,
					 const struct offsched_load *load);

/* run.c */
struct offsched_run *offsched_run_new(struct offsched_core *core);
void offsched_run_put(struct offsched_run *run);
struct offsched_run *offsched_run_get(struct offsched_core *core);
void offsched_run_install(struct offsched_core *core, struct offsched_run *run);
void offsched_run_strip(struct offsched_run *run);
void offsched_run_live(struct offsched_run *run);
bool offsched_run_runs(struct offsched_run *run);
void offsched_run_look(struct offsched_run *run);
void offsched_run_reachable(struct offsched_run *run, bool reachable);
bool offsched_run_kick(struct offsched_run *run, u32 page);
void offsched_run_end(struct offsched_run *run);
void offsched_run_fail(struct offsched_run *run, const char *why);

static inline struct offsched_header *offsched_run_header(struct offsched_run *run)
{
	return run->view;
}

/* region.c */
int offsched_region_read(struct offsched_run *run);
u64 offsched_channel_bytes(const struct offsched_service_entry *service);

/* limit.c */
int offsched_limit_add(struct offsched_run *run, const struct offsched_limit *limit);
int offsched_limit_check(struct offsched_run *run);
bool offsched_limit_passes(struct offsched_run *run, const struct offsched_service_entry *service);

/* channel.c */
const struct offsched_service_entry *offsched_service_find(struct offsched_run *run,
							   const u8 *name);
bool offsched_service_takes(const struct offsched_service_entry *service, u64 rx_type, u64 tx_type);
bool offsched_service_fits(const struct offsched_service_entry *service, size_t bytes);
int offsched_channel_open(struct offsched_run *run, const u8 *name,
			  struct offsched_channel **found);
bool offsched_channel_cut(struct offsched_run *run, struct offsched_channel *channel, u16 epoch);
void offsched_channel_free(struct offsched_run *run, struct offsched_channel *channel, u16 epoch);

static inline u16 offsched_word_epoch(u32 word)
{
	return word >> 16;
}

static inline u32 offsched_word(u16 epoch, enum offsched_phase phase)
{
	return (u32)epoch << 16 | phase;
}

/* client.c */
int offsched_open(struct inode *inode, struct file *file);
int offsched_flush(struct file *file, fl_owner_t id);
int offsched_release(struct inode *inode, struct file *file);
struct offsched_core *offsched_core_find(u32 cpu);
int offsched_handle_attach(struct offsched_handle *handle, u32 *cpu);
int offsched_handle_bind(struct offsched_handle *handle, struct offsched_bind *bind);
int offsched_handle_ring(struct offsched_handle *handle);
int offsched_handle_close(struct offsched_handle *handle);
int offsched_handle_use(struct offsched_handle *handle, enum offsched_use use);
bool offsched_handle_open(struct offsched_handle *handle);

/* The channel, if there ever was one; what else BIND has set can be read after this. */
static inline struct offsched_channel *offsched_handle_channel(const struct offsched_handle *handle)
{
	return smp_load_acquire(&handle->channel);
}

/* poll.c */
void offsched_poll_init(struct offsched_handle *handle);
void offsched_poll_begin(struct offsched_handle *handle, struct offsched_channel *channel);
void offsched_poll_end(struct offsched_handle *handle, struct offsched_channel *channel);
void offsched_handle_ask(struct offsched_handle *handle, u32 kinds);
__poll_t offsched_poll(struct file *file, struct poll_table_struct *table);

/* map.c */
int offsched_mmap(struct file *file, struct vm_area_struct *vma);

/* message.c */
ssize_t offsched_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t offsched_write_iter(struct kiocb *iocb, struct iov_iter *from);

/* wake.c */
int offsched_wake_init(void);
void offsched_wake_exit(void);
int offsched_wake_open(struct offsched_run *run);
void offsched_wake_close(struct offsched_run *run);
void offsched_wake_core(struct offsched_run *run);
void offsched_wake_hear(struct offsched_run *run);
void offsched_wake_publish(struct offsched_run *run);
void offsched_interrupt(unsigned int apic_id);
void offsched_interrupt_always(unsigned int apic_id);

/* flood.c */
void offsched_flood_init(struct offsched_run *run);
void offsched_flood_count(struct offsched_run *run, bool useful);
void offsched_flood_leave(struct offsched_run *run);

/* sysfs.c */
int offsched_sysfs_init(void);
void offsched_sysfs_exit(void);
void offsched_sysfs_core(struct offsched_core *core);
int offsched_sysfs_add(struct offsched_core *core);
void offsched_sysfs_remove(struct offsched_core *core);
void offsched_sysfs_show(struct offsched_core *core);

/* cpu.c */
int offsched_start(struct offsched_core *core);
int offsched_return(struct offsched_core *core);
void offsched_ask_to_stop(struct offsched_core *core);

/* lowpage.c */
int offsched_launch(struct offsched_core *core, struct offsched_run *run);
void offsched_park(unsigned int apic_id);

/* guard.c */
int offsched_guard_take(unsigned int cpu);
void offsched_guard_give(unsigned int cpu);
int offsched_guard_init(void);
void offsched_guard_exit(void);

/* trampoline.S */
struct offsched_trampoline_words {
	u32 base;	/* physical address of the page */
	u32 root;
	u64 entry;
} __packed;
extern const u8 offsched_trampoline[];
extern const u8 offsched_trampoline_words[];
extern const u8 offsched_trampoline_end[];

#endif
