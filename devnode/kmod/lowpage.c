// SPDX-License-Identifier: GPL-2.0
/*
 * From INIT to the image's first instruction: a start-up IPI wants real-mode
 * code in the first MiB. Linux reserves all of that and uses little, so a page
 * of zeros is borrowed there for a few milliseconds.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/e820/api.h>
#include <asm/pgtable_types.h>

#include "internal.h"

#define LOW_TOP		0x9e000	/* the EBDA may lie above */
#define LOW_BOTTOM	0x10000
#define LOOKS		10000	/* for a sign of life, 100 to 200 us each */
#define AGAIN		10	/* looks after which the start-up IPI is sent again */

static void *find_low_page(void)
{
	phys_addr_t at;

	for (at = LOW_TOP; at >= LOW_BOTTOM; at -= PAGE_SIZE) {
		struct page *page = pfn_to_page(at >> PAGE_SHIFT);

		if (e820__mapped_raw_any(at, at + PAGE_SIZE, E820_TYPE_RAM) &&
		    PageReserved(page) && !memchr_inv(page_address(page), 0, PAGE_SIZE))
			return page_address(page);
	}
	return NULL;
}

void offsched_park(unsigned int apic_id)
{
	apic->icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apic_id);
	udelay(10);
	apic->icr_write(APIC_INT_LEVELTRIG | APIC_DM_INIT, apic_id);
	udelay(200);
}

/* The image has made its region and heard of its epoch, which is not 0. */
static bool alive(struct offsched_run *run)
{
	return smp_load_acquire(&offsched_run_header(run)->state.epoch) == run->epoch;
}

static int kick(struct offsched_core *core, struct offsched_run *run, phys_addr_t code)
{
	int i;

	offsched_park(core->apic_id);
	for (i = 0; i < LOOKS && !alive(run); i++) {
		/* A CPU that runs ignores the second. */
		if ((!i || i == AGAIN) && !offsched_run_kick(run, code >> PAGE_SHIFT))
			return -EIO;
		usleep_range(100, 200);
	}
	return alive(run) ? 0 : -EIO;
}

/* Tables for the way: the page itself, code and stack, and all that the image will have. */
static struct page *way_tables(struct offsched_run *run, struct list_head *tables, u64 code)
{
	struct page *root = offsched_tables_new(tables);

	if (!root || offsched_tables_map(tables, root, code, code, _PAGE_RW) ||
	    offsched_tables_share(root, run->root, OFFSCHED_IMAGE_BASE))
		return NULL;
	return root;
}

static int launch_from(struct offsched_core *core, struct offsched_run *run, void *low)
{
	struct offsched_trampoline_words *words;
	LIST_HEAD(tables);
	struct page *root;
	int ret = -ENOMEM;

	root = way_tables(run, &tables, virt_to_phys(low));
	if (root) {
		memcpy(low, offsched_trampoline, offsched_trampoline_end - offsched_trampoline);
		words = low + (offsched_trampoline_words - offsched_trampoline);
		words->base = virt_to_phys(low);
		words->root = page_to_phys(root);
		words->entry = run->entry;
		ret = kick(core, run, virt_to_phys(low));
		/* Not alive, it may still be under way in what is freed next. */
		if (ret)
			offsched_park(core->apic_id);
		memset(low, 0, PAGE_SIZE);
	}
	offsched_tables_free(&tables);
	return ret;
}

int offsched_launch(struct offsched_core *core, struct offsched_run *run)
{
	void *low;
	int ret = -EBUSY;

	cpu_hotplug_disable();
	low = find_low_page();
	if (low)
		ret = launch_from(core, run, low);
	else
		pr_err("no unused page in the first MiB\n");
	cpu_hotplug_enable();
	return ret;
}
