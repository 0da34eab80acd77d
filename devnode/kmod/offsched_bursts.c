// SPDX-License-Identifier: GPL-2.0
/*
 * A drill for what is between the core and a client inside the kernel: bursts of
 * replies of which the last comes when the client has taken all others in one go,
 * finds none, and asks to be rung. Each burst's last comes a little later than
 * that of the one before. A ring that is lost shows: `received` stands still.
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "offsched.h"
#include "offsched_kernel.h"

static unsigned int bursts = 1000;
module_param(bursts, uint, 0444);
MODULE_PARM_DESC(bursts, "how many");
static unsigned int replies = 64;
module_param(replies, uint, 0444);
MODULE_PARM_DESC(replies, "replies in each");
static unsigned int step_ns = 50;
module_param(step_ns, uint, 0444);
MODULE_PARM_DESC(step_ns, "how much later the last is asked for, each time");
static unsigned int steps = 1000;
module_param(steps, uint, 0444);
MODULE_PARM_DESC(steps, "times, until it begins anew");

static unsigned int sent, received, wrong;
module_param(sent, uint, 0444);
module_param(received, uint, 0444);
module_param(wrong, uint, 0444);

static struct offsched_client *client;
static DEFINE_MUTEX(lock);		/* sent, over */
static bool over;			/* the client goes */

static void send(void)
{
	u64 words[4] = { 0, sent, ~(u64)sent, 0 };

	if (offsched_send(client, words, sizeof(words)))
		WRITE_ONCE(wrong, wrong + 1);
	WRITE_ONCE(sent, sent + 1);
}

/* All of a burst but the last. */
static void on_next(struct work_struct *work)
{
	unsigned int i;

	mutex_lock(&lock);
	for (i = 1; i < replies && !over; i++)
		send();
	mutex_unlock(&lock);
}
static DECLARE_DELAYED_WORK(next, on_next);

static void on_reply(void *context, const void *message, size_t bytes)
{
	const u64 *words = message;
	unsigned int at = received % replies, burst = received / replies;

	if (bytes != 4 * sizeof(*words) || words[1] != received || words[2] != ~(u64)received)
		WRITE_ONCE(wrong, wrong + 1);
	WRITE_ONCE(received, received + 1);
	/* The others have come when this returns. */
	if (!at)
		usleep_range(2000, 3000);
	if (at + 2 == replies) {
		/* Who sent the others may not have counted the last of them yet. */
		mutex_lock(&lock);
		send();
		mutex_unlock(&lock);
		ndelay(burst % steps * step_ns);
	}
	/* When the client has asked to be rung, and sleeps. */
	if (at + 1 == replies && burst + 1 < bursts)
		schedule_delayed_work(&next, 1);
}

static const struct offsched_client_operations operations = {
	.reply	= on_reply,
};

static int __init bursts_init(void)
{
	if (replies < 2 || !steps)
		return -EINVAL;
	client = offsched_bind(OFFSCHED_ANY_CPU, "echo", offsched_type("[u64;4]"),
			       offsched_type("[u64;4]"), &operations, NULL);
	if (IS_ERR(client))
		return PTR_ERR(client);
	schedule_delayed_work(&next, 1);
	return 0;
}

static void __exit bursts_exit(void)
{
	mutex_lock(&lock);
	over = true;
	mutex_unlock(&lock);
	offsched_close(client);
	/* No reply asks for another now. */
	cancel_delayed_work_sync(&next);
}

module_init(bursts_init);
module_exit(bursts_exit);
MODULE_DESCRIPTION("Bursts of replies to a client inside the kernel");
MODULE_LICENSE("GPL");
