# What a newcomer does, and two things that go wrong. `+` lines are the commands.
try() {
	echo "+ $*"
	"$@"
	code=$?
	[ $code = 0 ] || echo "exit code $code"
}
try offsched status
try offsched start --cpu 0 --image /images/sample.elf
try offsched start --cpu 99 --image /images/sample.elf
try offsched start --cpu 1 --image /bin/busybox
try offsched stop
try offsched start --cpu 1 --image /images/sample.elf
try offsched start --cpu 1 --image /images/sample.elf
try grep 1 /sys/devices/system/cpu/offline
# A thousand jobs at one a ms, on a busy host too.
sleep 2
try offsched status
try offsched status --cpu 0
offsched status --json | grep -c '"name": "sample"'
offsched console | head -n 1
try offsched stop --timeout 30
try cat /sys/devices/system/cpu/offline
offsched console | tail -n 1
try offsched status
try offsched start --cpu 1 --image /images/timers.elf
offsched status --cpu 1 | sed -n 2,3p
try offsched stop --timeout 30
# It crashes in its first job: whether start sees that is a matter of time.
offsched start --cpu 1 --image /images/panic.elf >/dev/null 2>&1
sleep 1
try offsched status
try offsched console -f
try offsched stop --cpu 1
try offsched start --cpu 1 --image /images/wedge.elf
try offsched stop --timeout 1
try offsched return
try cat /sys/devices/system/cpu/offline
