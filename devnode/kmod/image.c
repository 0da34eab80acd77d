// SPDX-License-Identifier: GPL-2.0
/*
 * Loading an image. The tool has read the ELF; here only what could hurt the
 * kernel or open the image to itself is checked, and nothing is parsed.
 */

#include <linux/cc_platform.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/apic.h>
#include <asm/msr.h>
#include <asm/pgtable_types.h>

#include "internal.h"

static int check(const struct offsched_segment *segment)
{
	u64 end;

	if (segment->reserved || !segment->bytes ||
	    !PAGE_ALIGNED(segment->address) || !PAGE_ALIGNED(segment->bytes) ||
	    check_add_overflow(segment->address, segment->bytes, &end) ||
	    segment->address < OFFSCHED_IMAGE_BASE || end > OFFSCHED_IMAGE_END ||
	    segment->data_bytes > segment->bytes)
		return -EINVAL;
	switch (segment->access) {
	case OFFSCHED_ACCESS_READ:
	case OFFSCHED_ACCESS_READ | OFFSCHED_ACCESS_WRITE:
	case OFFSCHED_ACCESS_READ | OFFSCHED_ACCESS_EXEC:
		return 0;
	default:
		return -EINVAL;
	}
}

static u64 flags_of(u32 access)
{
	return (access & OFFSCHED_ACCESS_WRITE ? _PAGE_RW : 0) |
	       (access & OFFSCHED_ACCESS_EXEC ? 0 : _PAGE_NX);
}

/* Copies and maps a segment into the pages from `first` on. */
static int place(struct offsched_run *run, const struct offsched_segment *segment,
		 unsigned long first)
{
	u64 at;
	int ret;

	for (at = 0; at < segment->bytes; at += PAGE_SIZE, first++) {
		struct page *page = run->image.page[first];
		u64 bytes = segment->data_bytes > at ? min(segment->data_bytes - at, PAGE_SIZE) : 0;

		if (bytes && copy_from_user(page_address(page),
					    u64_to_user_ptr(segment->data + at), bytes))
			return -EFAULT;
		ret = offsched_tables_map(&run->tables, run->root, segment->address + at,
					  page_to_phys(page), flags_of(segment->access));
		if (ret)
			return ret;
	}
	return 0;
}

static int place_all(struct offsched_run *run, const struct offsched_load *load,
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
		if (segment->access & OFFSCHED_ACCESS_EXEC && load->entry >= segment->address &&
		    load->entry - segment->address < segment->data_bytes)
			entry_found = true;
	}
	/* Overlaps are found by mapping; this only bounds the allocation. */
	if (!entry_found || pages > (OFFSCHED_IMAGE_END - OFFSCHED_IMAGE_BASE) >> PAGE_SHIFT)
		return -EINVAL;
	ret = offsched_pages_alloc(&run->image, pages);
	for (i = 0, pages = 0; !ret && i < load->count; i++) {
		ret = place(run, segments + i, pages);
		pages += segments[i].bytes >> PAGE_SHIFT;
	}
	return ret;
}

static int map_surroundings(struct offsched_run *run)
{
	unsigned long i;
	int ret;

	ret = offsched_tables_map(&run->tables, run->root, OFFSCHED_PARAMS_ADDRESS,
				  page_to_phys(run->params), _PAGE_NX);
	for (i = 0; !ret && i < run->shared.count; i++)
		ret = offsched_tables_map(&run->tables, run->root,
					  OFFSCHED_SHARED_ADDRESS + i * PAGE_SIZE,
					  page_to_phys(run->shared.page[i]), _PAGE_RW | _PAGE_NX);
	if (!ret && !x2apic_mode) {
		u64 base;

		rdmsrl(MSR_IA32_APICBASE, base);
		ret = offsched_tables_map(&run->tables, run->root, OFFSCHED_LAPIC_ADDRESS,
					  base & PTE_PFN_MASK,
					  _PAGE_RW | _PAGE_NX | _PAGE_PCD | _PAGE_PWT);
	}
	return ret;
}

static int map_view(struct offsched_run *run)
{
	run->view = vmap(run->shared.page, run->shared.count, VM_MAP, PAGE_KERNEL);
	return run->view ? 0 : -ENOMEM;
}

static int fill(struct offsched_run *run, const struct offsched_load *load,
		const struct offsched_segment *segments)
{
	int ret;

	run->entry = load->entry;
	run->public_bytes = load->public_bytes;
	run->params = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	run->root = offsched_tables_new(&run->tables);
	if (!run->params || !run->root)
		return -ENOMEM;
	ret = offsched_pages_alloc(&run->shared, load->shared_bytes >> PAGE_SHIFT);
	if (!ret)
		ret = map_view(run);
	if (!ret)
		ret = place_all(run, load, segments);
	if (!ret)
		ret = map_surroundings(run);
	return ret;
}

/* A run of the image, copied; or an error pointer. */
struct offsched_run *offsched_image_load(struct offsched_core *core,
					 const struct offsched_load *load)
{
	struct offsched_segment segments[OFFSCHED_SEGMENTS_MAX];
	struct offsched_run *run;
	int ret;

	/* The tables say of no page that it is encrypted, and the start-up page is not shared. */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return ERR_PTR(-EOPNOTSUPP);
	if (!load->count || load->count > OFFSCHED_SEGMENTS_MAX ||
	    !PAGE_ALIGNED(load->shared_bytes) || load->shared_bytes > OFFSCHED_SHARED_MAX ||
	    !PAGE_ALIGNED(load->public_bytes) || load->public_bytes < PAGE_SIZE ||
	    load->public_bytes > load->shared_bytes)
		return ERR_PTR(-EINVAL);
	if (copy_from_user(segments, u64_to_user_ptr(load->segments),
			   load->count * sizeof(*segments)))
		return ERR_PTR(-EFAULT);
	run = offsched_run_new(core);
	if (!run)
		return ERR_PTR(-ENOMEM);
	ret = fill(run, load, segments);
	if (ret) {
		offsched_run_put(run);
		return ERR_PTR(ret);
	}
	return run;
}
