# What an engineer asks after an end, a crash and a wedge. Continues check.sh, whose last image wedged.
offsched crash | sed -n '1,2p;$p'
try offsched crash --cpu 0
# A core that logs, and ends by itself.
offsched start --cpu 1 --image /images/log.elf >/dev/null
try offsched log -f --image /images/log.elf
try offsched log --image /images/fails.elf
try offsched crash --image /images/log.elf
offsched stop >/dev/null
offsched log --image /images/log.elf | head -n 1
# One that logs and panics.
offsched start --cpu 1 --image /images/fails.elf >/dev/null 2>&1
try offsched log -f --image /images/fails.elf
offsched status | head -n 5
offsched crash | sed -n '1,7p;$p'
offsched crash --image /images/panic.elf >/dev/null
echo "exit code $?"
try offsched crash --image /profile
offsched stop >/dev/null
offsched crash --cpu 1 --image /images/fails.elf >/record
sed -n '1,9p;/^registers/,$p' /record
# One that overflows its stack.
offsched start --cpu 1 --image /images/overflow.elf >/dev/null 2>&1
sleep 1
offsched crash --image /images/overflow.elf | sed -n '2p;/deeper/p;/of the same/p;/no room/p'
offsched stop >/dev/null
# One that wedges: before the CPU is taken from it, and after.
offsched start --cpu 1 --image /images/wedge.elf >/dev/null
sleep 2
offsched status | head -n 2
try offsched crash --image /images/wedge.elf
offsched stop --timeout 0
offsched status | head -n 2
offsched crash --image /images/wedge.elf | sed -n '2p;/wedge/p'
# Nobody asked that one.
offsched start --cpu 1 --image /images/wedge.elf >/dev/null
sleep 1
offsched return >/dev/null
try offsched crash
