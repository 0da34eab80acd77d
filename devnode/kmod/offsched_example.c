// SPDX-License-Identifier: GPL-2.0
/*
 * An in-kernel client: a timer's hard interrupt hands words to the service
 * `echo`, a new kind of bottom half, and counts what comes back. The figures are
 * in /sys/module/offsched_example/parameters.
 */

#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "offsched.h"
#include "offsched_kernel.h"

static unsigned int count = 100;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "messages to send; 0: without end");
static unsigned int period_us = 500;
module_param(period_us, uint, 0444);
MODULE_PARM_DESC(period_us, "time between two of them");
static unsigned int last;
module_param(last, uint, 0444);
MODULE_PARM_DESC(last, "first word of the last message: what the service is to do with it");
static unsigned int bytes = 4 * sizeof(u64);
module_param(bytes, uint, 0444);
MODULE_PARM_DESC(bytes, "of each message; not more than there are");
static char *sends = "[u64;4]";
module_param(sends, charp, 0444);
MODULE_PARM_DESC(sends, "type of the messages sent");
static char *expects = "[u64;4]";
module_param(expects, charp, 0444);
MODULE_PARM_DESC(expects, "type of the answers");

static unsigned int sent, full, refused, soft, received, wrong, gone;
module_param(sent, uint, 0444);
module_param(full, uint, 0444);
module_param(refused, uint, 0444);
module_param(soft, uint, 0444);
MODULE_PARM_DESC(soft, "sent in anything but a hard interrupt");
module_param(received, uint, 0444);
module_param(wrong, uint, 0444);
module_param(gone, uint, 0444);

static struct offsched_client *client;
static struct hrtimer timer;

/* In the hard interrupt, PREEMPT_RT or not. */
static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	u64 words[4] = { sent + 1 == count ? last : 0, sent, ~(u64)sent, 0 };

	if (!in_hardirq())
		WRITE_ONCE(soft, soft + 1);
	switch (offsched_send(client, words, min_t(size_t, bytes, sizeof(words)))) {
	case 0:
		WRITE_ONCE(sent, sent + 1);
		break;
	case -EAGAIN:
		WRITE_ONCE(full, full + 1);
		break;
	default:
		WRITE_ONCE(refused, refused + 1);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ns_to_ktime((u64)period_us * NSEC_PER_USEC));
	return sent == count ? HRTIMER_NORESTART : HRTIMER_RESTART;
}

static void on_reply(void *context, const void *message, size_t len)
{
	const u64 *words = message;

	if (len != 4 * sizeof(*words) || words[1] != received || words[2] != ~(u64)received)
		WRITE_ONCE(wrong, wrong + 1);
	WRITE_ONCE(received, received + 1);
}

static void on_gone(void *context)
{
	WRITE_ONCE(gone, gone + 1);
}

static const struct offsched_client_operations operations = {
	.reply	= on_reply,
	.gone	= on_gone,
};

static int __init example_init(void)
{
	if (!period_us)
		return -EINVAL;
	client = offsched_bind(OFFSCHED_ANY_CPU, "echo", offsched_type(sends),
			       offsched_type(expects), &operations, NULL);
	if (IS_ERR(client))
		return PTR_ERR(client);
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer.function = on_timer;
	hrtimer_start(&timer, ns_to_ktime((u64)period_us * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);
	return 0;
}

static void __exit example_exit(void)
{
	hrtimer_cancel(&timer);
	offsched_close(client);
}

module_init(example_init);
module_exit(example_exit);
MODULE_DESCRIPTION("A client of an offloaded core inside the kernel");
MODULE_LICENSE("GPL");
