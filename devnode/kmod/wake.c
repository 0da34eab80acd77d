// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells. The core interrupts Linux by an interrupt of our own, on top of
 * the kernel's vectors, so that it is counted and moved like any other; Linux
 * interrupts the core by the doorbell's vector.
 */

#include <linux/bitops.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/smp.h>

#include "internal.h"

/* Looks at the local APIC's busy bit, at most: it is set for some hundred cycles. */
#define BUSY_LOOKS	10000

static struct fwnode_handle *domain_node;
static struct irq_domain *domain;

/* Tells the core where the interrupt is now; who looks later, tells later. */
static void publish(struct offsched_run *run, struct irq_data *data)
{
	struct offsched_params *params = page_address(run->params);
	const struct cpumask *where;
	unsigned long flags;
	u64 apic_id;

	raw_spin_lock_irqsave(&run->bell_lock, flags);
	where = irq_data_get_effective_affinity_mask(data);
	apic_id = per_cpu(x86_cpu_to_apicid, cpumask_first(where));
	WRITE_ONCE(params->notify, run->quiet ? 0 : apic_id << 32 | irqd_cfg(data)->vector);
	raw_spin_unlock_irqrestore(&run->bell_lock, flags);
}

/* As long as the interrupt is there. */
void offsched_wake_publish(struct offsched_run *run)
{
	publish(run, irq_get_irq_data(run->irq));
}

static int set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	int ret = irq_chip_set_affinity_parent(data, mask, force);

	if (ret >= 0)
		publish(irq_data_get_irq_chip_data(data), data);
	return ret;
}

/* An interrupt that is sent once, when there is news, cannot be held back at its source. */
static void mask(struct irq_data *data)
{
}

static struct irq_chip chip = {
	.name			= "offsched",
	.irq_ack		= irq_chip_ack_parent,
	.irq_mask		= mask,
	.irq_unmask		= mask,
	.irq_set_affinity	= set_affinity,
	.irq_retrigger		= irq_chip_retrigger_hierarchy,
	.flags			= IRQCHIP_SKIP_SET_WAKE,
};

struct request {
	struct irq_alloc_info info;	/* first: the parent takes it for its own */
	struct offsched_run *run;
};

static int domain_alloc(struct irq_domain *domain, unsigned int irq, unsigned int count, void *arg)
{
	struct request *request = arg;
	int ret = irq_domain_alloc_irqs_parent(domain, irq, count, &request->info);

	if (ret)
		return ret;
	irq_domain_set_hwirq_and_chip(domain, irq, request->run->core->cpu, &chip, request->run);
	irq_set_handler(irq, handle_edge_irq);
	return 0;
}

static const struct irq_domain_ops domain_ops = {
	.alloc	= domain_alloc,
	.free	= irq_domain_free_irqs_common,
};

/* True if somebody waits for what the core rang for, as far as it can be seen now. */
static bool awaited(struct offsched_run *run)
{
	u32 channels = smp_load_acquire(&run->channels), first;

	for (first = 0; first < channels; first += 64) {
		unsigned long rung = READ_ONCE(offsched_run_header(run)->bells.rung[first / 64]);
		unsigned int bit;

		for_each_set_bit(bit, &rung, min(channels - first, 64U))
			if (waitqueue_active(&run->channel[first + bit].wait))
				return true;
	}
	return false;
}

/* The core rang for channels, or has ended. */
void offsched_wake_hear(struct offsched_run *run)
{
	struct offsched_header *header = offsched_run_header(run);
	u32 channels = smp_load_acquire(&run->channels), first;

	for (first = 0; first < channels; first += 64) {
		unsigned long rung = xchg(&header->bells.rung[first / 64], 0);
		unsigned int bit;

		for_each_set_bit(bit, &rung, min(channels - first, 64U))
			wake_up(&run->channel[first + bit].wait);
	}
	offsched_run_look(run);
}

/*
 * Real-time kernels wake by sleeping locks: in a thread, behind the hard part. That stays hard
 * (IRQF_NO_THREAD): who counts interrupts must see each, not each run of a thread.
 */
static irqreturn_t on_interrupt(int irq, void *data)
{
	struct offsched_run *run = data;

	offsched_flood_count(run, awaited(run));
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		offsched_wake_hear(run);
	offsched_flood_leave(run);
	return IS_ENABLED(CONFIG_PREEMPT_RT) ? IRQ_WAKE_THREAD : IRQ_HANDLED;
}

static irqreturn_t in_thread(int irq, void *data)
{
	offsched_wake_hear(data);
	return IRQ_HANDLED;
}

int offsched_wake_open(struct offsched_run *run)
{
	struct request request = { .run = run };
	int irq, ret;

	irq = irq_domain_alloc_irqs(domain, 1, NUMA_NO_NODE, &request);
	if (irq < 0)
		return irq;
	run->irq = irq;
	ret = request_threaded_irq(irq, on_interrupt,
				   IS_ENABLED(CONFIG_PREEMPT_RT) ? in_thread : NULL,
				   IRQF_NO_THREAD, dev_name(run->core->device), run);
	if (ret) {
		irq_dispose_mapping(irq);
		run->irq = 0;
		return ret;
	}
	offsched_wake_publish(run);
	return 0;
}

/* Waits until the handler, and what it has asked for, is done. */
void offsched_wake_close(struct offsched_run *run)
{
	if (!run->irq)
		return;
	free_irq(run->irq, run);
	cancel_delayed_work_sync(&run->rest);
	irq_dispose_mapping(run->irq);
	run->irq = 0;
}

static void send(u32 what, unsigned int apic_id)
{
	int looks;

	/* In xAPIC mode an earlier one may not have left; x2APIC shows none. */
	for (looks = 0; looks < BUSY_LOOKS && !x2apic_mode; looks++)
		if (!(apic->icr_read() & APIC_ICR_BUSY))
			break;
	/* x2APIC: an interrupt must not overtake what was written before it. */
	mb();
	rmb();
	apic->icr_write(what, apic_id);
}

/* Sends the doorbell's interrupt. */
void offsched_interrupt(unsigned int apic_id)
{
	send(APIC_DM_FIXED | OFFSCHED_DOORBELL_VECTOR, apic_id);
}

/* One that the core hears whatever it does. */
void offsched_interrupt_always(unsigned int apic_id)
{
	send(APIC_DM_NMI, apic_id);
}

/* Makes the core look at its channels; any context. Rings merge until it has heard. */
void offsched_wake_core(struct offsched_run *run)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&run->bell_lock, flags);
	if (run->reachable && !xchg(&offsched_run_header(run)->bells.bell, 1))
		offsched_interrupt(run->core->apic_id);
	raw_spin_unlock_irqrestore(&run->bell_lock, flags);
}

int offsched_wake_init(void)
{
	domain_node = irq_domain_alloc_named_fwnode("offsched");
	if (!domain_node)
		return -ENOMEM;
	domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, domain_node, &domain_ops,
					     NULL);
	if (!domain) {
		irq_domain_free_fwnode(domain_node);
		return -ENOMEM;
	}
	return 0;
}

void offsched_wake_exit(void)
{
	irq_domain_remove(domain);
	irq_domain_free_fwnode(domain_node);
}
