// SPDX-License-Identifier: GPL-2.0
/*
 * Loading an image. The tool has read the ELF; here only what could hurt the
 * kernel or open the image to itself is checked, and nothing is parsed.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/msr.h>
#include <asm/pgtable_types.h>

#include "internal.h"

static int check(const struct offsched_segment *segment)
{
	u64 end;

	if (segment->reserved || !segment->bytes ||
	    !PAGE_ALIGNED(segment->vaddr) || !PAGE_ALIGNED(segment->bytes) ||
	    check_add_overflow(segment->vaddr, segment->bytes, &end) ||
	    segment->vaddr < OFFSCHED_IMAGE_BASE || end > OFFSCHED_IMAGE_END ||
	    segment->data_bytes > segment->bytes)
		return -EINVAL;
	switch (segment->access) {
	case OFFSCHED_READ:
	case OFFSCHED_READ | OFFSCHED_WRITE:
	case OFFSCHED_READ | OFFSCHED_EXEC:
		return 0;
	default:
		return -EINVAL;
	}
}

static u64 flags_of(u32 access)
{
	return (access & OFFSCHED_WRITE ? _PAGE_RW : 0) | (access & OFFSCHED_EXEC ? 0 : _PAGE_NX);
}

/* Copies and maps a segment into the pages from `first` on. */
static int place(struct offsched_core *core, const struct offsched_segment *segment,
		 unsigned long first)
{
	u64 at;
	int ret;

	for (at = 0; at < segment->bytes; at += PAGE_SIZE, first++) {
		struct page *page = core->image.page[first];
		u64 bytes = segment->data_bytes > at ? min(segment->data_bytes - at, PAGE_SIZE) : 0;

		if (bytes && copy_from_user(page_address(page),
					    u64_to_user_ptr(segment->data + at), bytes))
			return -EFAULT;
		ret = offsched_tables_map(&core->tables, core->root, segment->vaddr + at,
					  page_to_phys(page), flags_of(segment->access));
		if (ret)
			return ret;
	}
	return 0;
}

static int place_all(struct offsched_core *core, const struct offsched_load *load,
		     const struct offsched_segment *segments)
{
	unsigned long pages = 0;
	bool entry_found = false;
	u32 i;
	int ret;

	for (i = 0; i < load->count; i++) {
		const struct offsched_segment *segment = segments + i;

		ret = check(segment);
		if (ret)
			return ret;
		pages += segment->bytes >> PAGE_SHIFT;
		if (segment->access & OFFSCHED_EXEC && load->entry >= segment->vaddr &&
		    load->entry - segment->vaddr < segment->data_bytes)
			entry_found = true;
	}
	/* Overlaps are found by mapping; this only bounds the allocation. */
	if (!entry_found || pages > (OFFSCHED_IMAGE_END - OFFSCHED_IMAGE_BASE) >> PAGE_SHIFT)
		return -EINVAL;
	ret = offsched_pages_alloc(&core->image, pages);
	for (i = 0, pages = 0; !ret && i < load->count; i++) {
		ret = place(core, segments + i, pages);
		pages += segments[i].bytes >> PAGE_SHIFT;
	}
	return ret;
}

static int map_surroundings(struct offsched_core *core)
{
	unsigned long i;
	int ret;

	ret = offsched_tables_map(&core->tables, core->root, OFFSCHED_PARAMS,
				  page_to_phys(core->params), _PAGE_NX);
	for (i = 0; !ret && i < core->shared.count; i++)
		ret = offsched_tables_map(&core->tables, core->root,
					  OFFSCHED_SHARED + i * PAGE_SIZE,
					  page_to_phys(core->shared.page[i]), _PAGE_RW | _PAGE_NX);
	if (!ret && !x2apic_mode) {
		u64 base;

		rdmsrl(MSR_IA32_APICBASE, base);
		ret = offsched_tables_map(&core->tables, core->root, OFFSCHED_LAPIC,
					  base & PTE_PFN_MASK,
					  _PAGE_RW | _PAGE_NX | _PAGE_PCD | _PAGE_PWT);
	}
	return ret;
}

int offsched_load(struct offsched_core *core, const struct offsched_load *load)
{
	struct offsched_segment segments[OFFSCHED_SEGMENTS_MAX];
	int ret;

	if (!load->count || load->count > OFFSCHED_SEGMENTS_MAX || !load->shared_bytes ||
	    !PAGE_ALIGNED(load->shared_bytes) || load->shared_bytes > OFFSCHED_SHARED_MAX)
		return -EINVAL;
	if (copy_from_user(segments, u64_to_user_ptr(load->segments),
			   load->count * sizeof(*segments)))
		return -EFAULT;
	offsched_unload(core);
	core->entry = load->entry;
	core->params = alloc_page(GFP_KERNEL | __GFP_ZERO);
	core->root = offsched_tables_new(&core->tables);
	ret = core->params && core->root ? 0 : -ENOMEM;
	if (!ret)
		ret = offsched_pages_alloc(&core->shared, load->shared_bytes >> PAGE_SHIFT);
	if (!ret)
		ret = place_all(core, load, segments);
	if (!ret)
		ret = map_surroundings(core);
	if (ret)
		offsched_unload(core);
	else
		core->state = OFFSCHED_LOADED;
	return ret;
}

void offsched_unload(struct offsched_core *core)
{
	core->state = OFFSCHED_EMPTY;
	offsched_pages_free(&core->image);
	offsched_pages_free(&core->shared);
	offsched_tables_free(&core->tables);
	core->root = NULL;
	if (core->params)
		__free_page(core->params);
	core->params = NULL;
}
