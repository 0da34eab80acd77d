/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OFFSCHED_INTERNAL_H
#define OFFSCHED_INTERNAL_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/types.h>

#include "offsched.h"

/* Pages that need not be contiguous. */
struct offsched_pages {
	struct page **page;
	unsigned long count;
};

/* One image and its CPU. All under offsched_lock. */
struct offsched_core {
	unsigned int cpu;
	unsigned int apic_id;
	enum offsched_state state;
	u32 epoch;
	u64 entry;
	struct offsched_pages image;
	struct offsched_pages shared;
	struct page *params;
	struct list_head tables;	/* page table pages, by page->lru */
	struct page *root;
};

/* memory.c */
int offsched_pages_alloc(struct offsched_pages *pages, unsigned long count);
void offsched_pages_free(struct offsched_pages *pages);
struct page *offsched_tables_new(struct list_head *tables);
int offsched_tables_map(struct list_head *tables, struct page *root, u64 va, u64 pa, u64 flags);
int offsched_tables_share(struct page *to, struct page *from, u64 va);
void offsched_tables_free(struct list_head *tables);

/* image.c */
int offsched_load(struct offsched_core *core, const struct offsched_load *load);
void offsched_unload(struct offsched_core *core);

/* cpu.c */
int offsched_start(struct offsched_core *core);
int offsched_return(struct offsched_core *core);
void offsched_ask_to_stop(struct offsched_core *core);

/* lowpage.c */
int offsched_launch(struct offsched_core *core);
void offsched_park(unsigned int apic_id);

/* guard.c */
void offsched_guard_take(unsigned int cpu);
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
