#!/bin/busybox sh
# The guest's first program. The kernel has the first serial line, the cases the second. What comes behind `--` on the
# kernel's command line are our arguments, from `--harness` on; before it are words that the kernel does not know.
while [ $# -gt 0 ] && [ "$1" != --harness ]; do shift; done
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tracefs none /sys/kernel/tracing
mount -t securityfs none /sys/kernel/security
stty -F /dev/ttyS1 raw -echo
exec </dev/ttyS1 >/dev/ttyS1 2>&1
insmod /cases/offsched.ko
/offsched-guest /cases "$@"
poweroff -f
