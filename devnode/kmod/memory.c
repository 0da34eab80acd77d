// SPDX-License-Identifier: GPL-2.0
/* Memory of a core: its pages, and the page tables that show it no others. */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/pgtable_types.h>

#include "internal.h"

#define ENTRIES		512
#define LEVELS		4
#define TABLE		(_PAGE_PRESENT | _PAGE_RW)

int offsched_pages_alloc(struct offsched_pages *pages, unsigned long count)
{
	pages->page = kvcalloc(count, sizeof(*pages->page), GFP_KERNEL_ACCOUNT);
	if (!pages->page)
		return -ENOMEM;
	for (pages->count = 0; pages->count < count; pages->count++) {
		/* Too large an image is refused; nobody is killed to make room for it. */
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
					       __GFP_RETRY_MAYFAIL | __GFP_NOWARN);

		if (!page || fatal_signal_pending(current)) {
			if (page)
				__free_page(page);
			offsched_pages_free(pages);
			return page ? -EINTR : -ENOMEM;
		}
		pages->page[pages->count] = page;
	}
	return 0;
}

/* Mappings of user space hold their own references and outlive this. */
void offsched_pages_free(struct offsched_pages *pages)
{
	while (pages->count)
		put_page(pages->page[--pages->count]);
	kvfree(pages->page);
	pages->page = NULL;
}

/* Below 4 GiB: the trampoline loads CR3 in 32-bit mode. */
struct page *offsched_tables_new(struct list_head *tables)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | GFP_DMA32 | __GFP_ZERO);

	if (page)
		list_add(&page->lru, tables);
	return page;
}

static u64 *slot(struct page *table, u64 va, int level)
{
	u64 *entries = page_address(table);

	return entries + ((va >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1));
}

static struct page *below(u64 entry)
{
	return pfn_to_page((entry & PTE_PFN_MASK) >> PAGE_SHIFT);
}

int offsched_tables_map(struct list_head *tables, struct page *root, u64 va, u64 pa, u64 flags)
{
	struct page *table = root;
	int level;

	for (level = LEVELS - 1; level > 0; level--) {
		u64 *entry = slot(table, va, level);

		if (!*entry) {
			struct page *next = offsched_tables_new(tables);

			if (!next)
				return -ENOMEM;
			*entry = page_to_phys(next) | TABLE;
		}
		table = below(*entry);
	}
	if (*slot(table, va, 0))
		return -EEXIST;
	*slot(table, va, 0) = pa | flags | _PAGE_PRESENT;
	return 0;
}

/* The GiB at va looks in `to` as it does in `from`. */
int offsched_tables_share(struct page *to, struct page *from, u64 va)
{
	u64 to_top = *slot(to, va, 3), from_top = *slot(from, va, 3);

	if (!to_top || !from_top)
		return -EINVAL;
	*slot(below(to_top), va, 2) = *slot(below(from_top), va, 2);
	return 0;
}

void offsched_tables_free(struct list_head *tables)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, tables, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}
