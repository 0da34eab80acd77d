# Looks whether a lab machine can run the cases, and changes nothing there: sh -s -- CPU MODULE, where MODULE is `given`, or
# `built` if it is to be built there. Prints the kernel's release, or on the standard error what is missing.
cpu=$1
module=$2
die() {
	echo "$*" >&2
	exit 1
}
[ "$(uname -m)" = x86_64 ] || die "a $(uname -m): the cases are for x86_64"
if [ "$(id -u)" = 0 ]; then sudo=; else sudo="sudo "; fi
# It must not read this script.
[ -z "$sudo" ] || sudo -n true </dev/null 2>/dev/null || die "the cases need root: log in as root, or allow sudo without a password"
[ ! -e /sys/module/offsched ] || die "the module is loaded already: ${sudo}rmmod offsched"
cpus=/sys/devices/system/cpu
[ -e "$cpus/cpu$cpu" ] || die "there is no CPU $cpu, but $(cat "$cpus/present"): choose another with --lab-cpu"
[ -e "$cpus/cpu$cpu/online" ] || die "CPU $cpu cannot be taken out of Linux: choose another with --lab-cpu"
[ "$(cat "$cpus/cpu$cpu/online")" = 1 ] || die "CPU $cpu is off: echo 1 | ${sudo}tee $cpus/cpu$cpu/online"
command -v tar >/dev/null || die "no tar: apt install tar"
if [ "$module" = built ]; then
	headers=linux-headers-$(uname -r)
	[ -e "/lib/modules/$(uname -r)/build" ] || die "no kernel headers: apt install $headers, or give --lab-module"
	command -v make >/dev/null || die "no make: apt install make gcc, or give --lab-module"
fi
uname -r
