import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findProgram } from "../../src-main/profile/pinning.ts";
import type { PhoneProfile } from "./phoneProfile.ts";

/** Programs of toybox that the host's own stand in for. */
const hostPrograms = [
  ..."awk base64 basename cat chmod cksum cmp comm cp cut dd diff dirname du echo egrep env expand expr false".split(
    " ",
  ),
  ..."fgrep find fold grep gunzip gzip head ln ls md5sum mkdir mktemp mv nice nohup od paste printenv printf".split(
    " ",
  ),
  ..."readlink realpath rm rmdir sed seq setsid sh sha1sum sha256sum sleep sort split stat strings tail tar tee".split(
    " ",
  ),
  ..."test timeout tr true truncate uniq usleep wc which xargs xxd yes zcat [".split(" "),
];

const hostPath = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/bin"]
  .filter((folder) => folder.startsWith("/"))
  .join(":");

function locateHost(name: string): string {
  return findProgram(name, hostPath) ?? `/usr/bin/${name}`;
}

/**
 * The phone's own programs as small shell scripts. They read and write state in ROOT/.fake, which the fake phone's methods
 * change too; starting Node for each would cost 40 ms.
 */
function listScripts(profile: PhoneProfile): Record<string, string> {
  const arm = profile.properties["ro.product.cpu.abi"]?.startsWith("arm64") ? "aarch64" : "armv8l";
  return {
    getprop: `
if [ $# -eq 0 ]; then exec ${locateHost("cat")} "$state/getprop"; fi
case "$1" in */*) value= ;; *) [ -f "$state/properties/$1" ] && exec ${locateHost("cat")} "$state/properties/$1" ;; esac
echo "$2"`,
    dumpsys: `
service=$1
case "$service" in
  power)
    read -r awake < "$state/screen"
    case "$awake" in Awake) display=ON ;; *) display=OFF ;; esac
    printf 'POWER MANAGER (dumpsys power)\\n\\nPower Manager State:\\n  mDirty=0x0\\n  mWakefulness=%s\\n  mWakefulnessChanging=false\\n  mIsPowered=true\\n  mPlugType=2\\n\\nDisplay Power: state=%s\\n' "$awake" "$display" ;;
  display)
    read -r awake < "$state/screen"
    case "$awake" in Awake) display=ON ;; *) display=OFF ;; esac
    printf 'DISPLAY MANAGER (dumpsys display)\\n  mScreenState=%s\\n  mGlobalDisplayState=%s\\n' "$display" "$display" ;;
  -l) echo "Currently running services:"; for one in "$state"/dumpsys/*; do echo "  \${one##*/}"; done; echo "  power" ;;
  */*|'') echo "Can't find service: $service" >&2; exit 10 ;;
  *)
    if [ -f "$state/dumpsys/$service" ]; then exec ${locateHost("cat")} "$state/dumpsys/$service"; fi
    echo "Can't find service: $service" >&2; exit 10 ;;
esac`,
    settings: `
file="$state/settings/$2/$3"
case "$1/$2/$3" in *..*) exit 1 ;; esac
case "$1" in
  get) if [ -f "$file" ]; then ${locateHost("cat")} "$file"; else echo null; fi ;;
  put) [ -d "$state/settings/$2" ] || { echo "Invalid namespace '$2'" >&2; exit 255; }
    printf '%s\\n' "$4" > "$file" ;;
  delete) ${locateHost("rm")} -f "$file"; echo "Deleted 1 rows" ;;
  *) echo "usage: settings get|put|delete NAMESPACE KEY [VALUE]" >&2; exit 255 ;;
esac`,
    svc: `
case "$1 $2 $3" in
  "power stayon true") echo 7 > "$state/settings/global/stay_on_while_plugged_in" ;;
  "power stayon usb") echo 2 > "$state/settings/global/stay_on_while_plugged_in" ;;
  "power stayon ac") echo 1 > "$state/settings/global/stay_on_while_plugged_in" ;;
  "power stayon wireless") echo 4 > "$state/settings/global/stay_on_while_plugged_in" ;;
  "power stayon false") echo 0 > "$state/settings/global/stay_on_while_plugged_in" ;;
  *) echo "Control the power manager"; exit 1 ;;
esac`,
    input: `
case "$1 $2" in
  "keyevent KEYCODE_WAKEUP"|"keyevent 224") echo Awake > "$state/screen" ;;
  "keyevent KEYCODE_SLEEP"|"keyevent 223") echo Asleep > "$state/screen" ;;
  "keyevent KEYCODE_POWER"|"keyevent 26")
    read -r awake < "$state/screen"
    case "$awake" in Awake) echo Asleep > "$state/screen" ;; *) echo Awake > "$state/screen" ;; esac ;;
esac`,
    wm: `
case "$1" in dismiss-keyguard) echo false > "$state/locked" ;; size) echo "Physical size: 1080x2340" ;; esac`,
    cmd: `
case "$1 $2" in
  "power set-fixed-performance-mode-enabled")
    case ${profile.fixedPerformance} in
      unknown-command) echo "Unknown command: $2" >&2; exit 255 ;;
      no-hal) echo "Failed to set FIXED_PERFORMANCE mode"; echo "This is likely because Power HAL AIDL is not implemented on this device" ;;
      *) case "$3" in
          true|false) echo "$3" > "$state/fixedPerformance" ;;
          *) echo "Error: expected true or false" >&2; exit 255 ;;
        esac ;;
    esac ;;
  "thermalservice "*)
    [ -f "$state/dumpsys/thermalservice" ] || { echo "cmd: Can't find service: thermalservice" >&2; exit 20; }
    echo "Thermal service (thermalservice) commands:" ;;
  "battery "*|"power "*) echo "Unknown command: $2" >&2; exit 255 ;;
  *) echo "cmd: Can't find service: $1" >&2; exit 20 ;;
esac`,
    df: `
PATH=${hostPath}
unit=1024
for word in "$@"; do case "$word" in -k) unit=1024 ;; -h) ;; -*) echo "df: Unknown option '\${word#-}'" >&2; exit 1 ;; esac; done
read -r capacity < "$state/capacity"
used=$(du -sb "$FAKE_PHONE_ROOT/data/local/tmp" "$FAKE_PHONE_ROOT/sdcard" | awk '{ sum += $1 } END { print sum + 0 }')
# Folders themselves take no room on the fake phone.
folders=$(find "$FAKE_PHONE_ROOT/data/local/tmp" "$FAKE_PHONE_ROOT/sdcard" -type d -printf '%s\\n' | awk '{ sum += $1 } END { print sum + 0 }')
used=$((used - folders)); free=$((capacity - used)); [ "$free" -lt 0 ] && free=0
printf '%-20s %12s %12s %12s %4s %s\\n' Filesystem 1K-blocks Used Available Use% Mounted\\ on
printf '%-20s %12s %12s %12s %3s%% %s\\n' /dev/block/dm-5 $((capacity / unit)) $((used / unit)) $((free / unit)) $((capacity > 0 ? used * 100 / capacity : 100)) /data`,
    date: `
PATH=${hostPath}
read -r offset < "$state/clock"
[ "$offset" = 0 ] && exec date "$@"
for word in "$@"; do case "$word" in -d|-r|-d*|--date*) exec date "$@" ;; esac; done
now=$(date +%s.%N)
exec date -d "@$((\${now%.*} + offset)).\${now#*.}" "$@"`,
    touch: `
PATH=${hostPath}
read -r offset < "$state/clock"
for word in "$@"; do case "$word" in -d|-t|-r|-d*|-t*|-r*) exec touch "$@" ;; esac; done
exec touch -d "@$(($(date +%s) + offset))" "$@"`,
    id: `
case "$1" in
  -u|-g) echo 2000 ;;
  -un|-gn) echo shell ;;
  *) echo "uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input),1007(log),3003(inet) context=u:r:shell:s0" ;;
esac`,
    whoami: `echo shell`,
    uname: `
case "$1" in
  -m) echo ${arm} ;;
  -r) echo ${profile.kernel} ;;
  -a) echo "Linux localhost ${profile.kernel} #1 SMP PREEMPT ${arm}" ;;
  *) echo Linux ;;
esac`,
    nproc: `read -r count < "$state/onlineCount"; echo "$count"`,
    uptime: `
PATH=${hostPath}
read -r booted < "$state/bootedAt"; echo " up $((($(date +%s) - booted) / 60)) min,  load average: $(cut -d' ' -f1-3 "$FAKE_PHONE_ROOT/proc/loadavg" | sed 's/ /, /g')"`,
    reboot: `echo "reboot: Operation not permitted" >&2; exit 1`,
    logcat: `exit 0`,
    toybox: `
[ $# -eq 0 ] && { echo "cat chmod date df grep ls mkdir mv pgrep pidof pkill ps rm sed sha256sum sleep stat taskset touch"; exit 0; }
exec "$@"`,
    taskset: describeTaskset(),
    kill: `
signal=TERM; result=0
case "$1" in
  -l) echo "HUP INT QUIT KILL TERM"; exit 0 ;;
  -s) signal=$2; shift 2 ;;
  -[A-Z0-9]*) signal=\${1#-}; shift ;;
esac
[ "$1" = -- ] && shift
for target in "$@"; do
  if ${locateHost("env")} -u FAKE_PHONE_ROOT ${locateHost("grep")} -qzxF "FAKE_PHONE_ROOT=$FAKE_PHONE_ROOT" "/proc/\${target#-}/environ" 2>/dev/null
  then command kill -s "\${signal#SIG}" -- "$target" || result=1
  else echo "/system/bin/sh: kill: $target: No such process" >&2; result=1
  fi
done
exit $result`,
    ps: describeProcesses(),
    pgrep: describeProcesses(),
    pidof: describeProcesses(),
    pkill: describeProcesses(),
    killall: describeProcesses(),
  };
}

// toybox's taskset (toys/other/taskset.c): bare hexadecimal digits only. Phone cores are dealt out to the host's in turn.
function describeTaskset(): string {
  return `
fail() { echo "taskset: $1" >&2; exit 1; }
check() { case "$1" in ''|*[!0-9a-fA-F]*) fail "bad mask '$1'" ;; esac; }
if [ "$1" = -p ] || [ "$1" = -ap ]; then
  [ $# -eq 2 ] || fail "not implemented by the fake phone"
  while IFS=': 	' read -r key value; do
    [ "$key" = Cpus_allowed ] && { echo "pid $2's current affinity mask: \${value#"\${value%%[!0]*}"}"; exit 0; }
  done 2>/dev/null < "$FAKE_PHONE_ROOT/proc/$2/status"
  fail "failed to get pid $2's affinity mask: No such process"
fi
case "$1" in -*) echo "taskset: Unknown option '\${1#-}' (see \\"taskset --help\\")" >&2; exit 1 ;; esac
check "$1"
[ $# -ge 2 ] || { echo "taskset: Needs 2 arguments (see \\"taskset --help\\")" >&2; exit 1; }
# Arithmetic has 64 bits; a longer mask names cores no phone has.
[ \${#1} -le 15 ] || fail "sched_setaffinity: Invalid argument"
read -r online < "$state/onlineMask"
mask=$((0x$1 & online))
[ "$mask" -ne 0 ] || fail "sched_setaffinity: Invalid argument"
[ -f "$state/ignoreMask" ] && mask=$online
shift
case "$1" in
  */*) [ -e "$1" ] || { echo "taskset: exec $1: No such file or directory" >&2; exit 127; }
    [ -x "$1" ] && [ ! -d "$1" ] || { echo "taskset: exec $1: Permission denied" >&2; exit 126; } ;;
  *) command -v "$1" > /dev/null || { echo "taskset: exec $1: No such file or directory" >&2; exit 127; } ;;
esac
list=; cores=; cpu=0
for host in $FAKE_PHONE_HOST_CPUS; do
  if [ $((mask >> cpu & 1)) = 1 ]; then list=$list,$host; cores=$cores,$cpu; fi
  cpu=$((cpu + 1))
done
own=$FAKE_PHONE_ROOT/proc/$$
${locateHost("rm")} -rf "$own"; ${locateHost("mkdir")} -p "$own"
${locateHost("ln")} -s "/proc/$$/cmdline" "$own/cmdline"
printf 'Name:\\t%s\\nState:\\tR (running)\\nTgid:\\t%d\\nPid:\\t%d\\nThreads:\\t1\\nCpus_allowed:\\t%08x\\nCpus_allowed_list:\\t%s\\n' "\${1##*/}" $$ $$ "$mask" "$(cpus=\${cores#,}; . "$state/joinCpus")" > "$own/status"
for word in "$@"; do
  shift
  case "$word" in "$FAKE_PHONE_ROOT/proc/self/"*) word=$own/\${word#"$FAKE_PHONE_ROOT/proc/self/"} ;; esac
  set -- "$@" "$word"
done
FAKE_PHONE_VIA_TASKSET=1
export FAKE_PHONE_VIA_TASKSET
exec ${locateHost("taskset")} -c "\${list#,}" "$@"`;
}

// ps, pgrep, pidof, pkill and killall over the phone's own processes; the host's others are none of its business.
function describeProcesses(): string {
  return `
PATH=${hostPath}
tool=\${0##*/}
list() {
  for file in $(env -u FAKE_PHONE_ROOT grep -lzxF "FAKE_PHONE_ROOT=$FAKE_PHONE_ROOT" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}; pid=\${pid%/environ}
    [ "$pid" = $$ ] && continue
    parent=$(sed 's/.*) [A-Z] \\([0-9]*\\).*/\\1/' "/proc/$pid/stat" 2>/dev/null) || continue
    [ "$parent" = $$ ] && continue
    args=$(tr '\\0\\n' '  ' 2>/dev/null < "/proc/$pid/cmdline") || continue
    [ -n "$args" ] || continue
    args=\${args% }
    case "$args" in "/bin/sh $FAKE_PHONE_ROOT/"*) args=\${args#/bin/sh } ;; esac
    case "$args" in *"system/bin/kill\\" \\"\\$@\\"; }; "*) args="\${args%% kill()*} \${args#*system/bin/kill\\" \\"\\$@\\"; \\}; }" ;; esac
    name=\${args%% *}; name=\${name##*/}
    printf '%s\\t%s\\t%s\\t%s\\n' "$pid" "$parent" "$name" "$args"
  done
}
tab=$(printf '\\t')
if [ "$tool" = ps ]; then
  columns=
  while [ $# -gt 0 ]; do
    case "$1" in -o) columns=$2; shift ;; -o*) columns=\${1#-o} ;; -*f*) columns=USER,PID,PPID,ARGS ;; esac
    shift
  done
  columns=$(printf %s "\${columns:-USER,PID,PPID,S,NAME}" | tr 'a-z,' 'A-Z ')
  line=; for column in $columns; do line="$line \${column%%=*}"; done
  case "$columns" in *=*) ;; *) echo "\${line# }" ;; esac
  list | while IFS=$tab read -r pid parent name args; do
    line=
    for column in $columns; do
      case "\${column%%=*}" in
        PID|TID) line="$line $pid" ;; PPID) line="$line $parent" ;; USER|UID) line="$line shell" ;; S|STAT) line="$line S" ;;
        NAME|COMM|CMD) line="$line $name" ;; ARGS|CMDLINE) line="$line $args" ;; %CPU|C) line="$line 0.0" ;; *) line="$line -" ;;
      esac
    done
    echo "\${line# }"
  done
  exit 0
fi
signal=TERM; full=; exact=; long=
while [ $# -gt 0 ]; do
  case "$1" in
    -f) full=1 ;; -x) exact=1 ;; -l) long=1 ;; -lf|-fl) full=1; long=1 ;; -s) [ "$tool" = pidof ] || { signal=$2; shift; } ;;
    -[0-9]*|-[A-Z]*) signal=\${1#-} ;; --) shift; break ;; -*) ;; *) break ;;
  esac
  shift
done
signal=\${signal#SIG}
[ $# -gt 0 ] || { echo "$tool: Needs 1 argument" >&2; exit 1; }
list > "$state/processes.$$"
found=
while IFS=$tab read -r pid parent name args; do
  case "$tool" in
    pidof|killall) match=; for wanted in "$@"; do [ "$name" = "\${wanted##*/}" ] && match=1; done ;;
    *) subject=$name; [ -n "$full" ] && subject=$args
      option=-qE; [ -n "$exact" ] && option=-qxE
      match=; printf '%s' "$subject" | grep $option -e "$1" && match=1 ;;
  esac
  [ -n "$match" ] || continue
  case "$tool" in
    pgrep) if [ -z "$long" ]; then echo "$pid"; elif [ -n "$full" ]; then echo "$pid $args"; else echo "$pid $name"; fi ;;
    pidof) found="$found $pid"; continue ;;
    *) kill -s "$signal" "$pid" 2>/dev/null ;;
  esac
  found=1
done < "$state/processes.$$"
rm -f "$state/processes.$$"
[ "$tool" = pidof ] && [ -n "$found" ] && echo "\${found# }"
[ -n "$found" ]`;
}

// Sourced by taskset: 0,1,2,5 as 0-2,5.
const joinCpus = `
IFS=,; out=; from=; last=
flush() { [ -z "$from" ] || { if [ "$from" = "$last" ]; then out=$out,$from; else out=$out,$from-$last; fi; }; }
for cpu in $cpus; do
  if [ -n "$last" ] && [ "$cpu" = $((last + 1)) ]; then last=$cpu; else flush; from=$cpu; last=$cpu; fi
done
flush
echo "\${out#,}"
`;

/** Fills the phone's /system/bin: links to the host's tools, and scripts where a phone's differ. */
export function writePrograms(root: string, profile: PhoneProfile): void {
  const folder = join(root, "system/bin");
  mkdirSync(folder, { recursive: true });
  const scripts = listScripts(profile);
  for (const name of hostPrograms) {
    const path = findProgram(name, hostPath);
    if (path && !existsSync(join(folder, name))) symlinkSync(path, join(folder, name));
  }
  for (const [name, body] of Object.entries(scripts)) {
    const place = join(folder, name);
    writeFileSync(place, `#!/bin/sh\nstate=$FAKE_PHONE_ROOT/.fake\n${body.trim()}\n`);
    chmodSync(place, 0o755);
  }
  writeFileSync(join(root, ".fake/joinCpus"), joinCpus);
}
