# Runs the cases on a lab machine that check.sh found fit: sh remote.sh FOLDER CPU [OPTIONS OF THE CASES]. What goes wrong
# before them goes to the standard error.
folder=$1
cpu=$2
shift 2
die() {
	echo "$(uname -n): $*" >&2
	exit 1
}
if [ "$(id -u)" = 0 ]; then root=; else root="sudo -n"; fi
module=$folder/cases/offsched.ko
if [ ! -e "$module" ]; then
	make -s -C "$folder/kmod" OFFSCHED_EXAMPLES=m >&2 || die "the module does not build here"
	# With the clients inside the kernel: without them their cases are skipped.
	cp "$folder"/kmod/offsched*.ko "$folder/cases/" || die "the modules were not built"
fi
$root insmod "$module" || die "the module does not load; was it built for $(uname -r)?"
$root "$folder/offsched-guest" "$folder/cases" --cpu "$cpu" "$@"
code=$?
$root rmmod offsched || die "the module does not unload"
exit $code
