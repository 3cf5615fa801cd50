# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the scripts here share; sourced by them from the top of the checkout. Compilers, presets, build folders.
#
# A build lies in build/<compiler>-<preset>:
#   compilers  gcc clang, and clang-19 for the last preset alone
#   presets    debug release reference address thread coverage mcdc   (address is address + undefined)

say() { printf '\n==> %s\n' "$*"; }
run() { printf '+ %s\n' "$*"; "$@"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

jobs() { printf '%s\n' "${JOBS:-$(nproc)}"; }

# Debian names clang by its version.
clang_name() {
  for name in clang clang-14; do
    if command -v "$name" >/dev/null; then printf '%s\n' "$name"; return; fi
  done
  printf 'clang-14\n'
}

use_compiler() {
  case $1 in
    gcc) CC=gcc CXX=g++ ;;
    clang) CC=$(clang_name); CXX=clang++${CC#clang} ;;
    clang-19) CC=clang-19 CXX=clang++-19 ;;
    *) die "unknown compiler: $1 (gcc, clang)" ;;
  esac
  export CC CXX
}

# The library itself is optimised all the same (src/meson.build): what tests instantiate takes most of the time of a build.
fast_to_build='-Ddebug=false -Doptimization=0 -Dc_args=-g1 -Dcpp_args=-g1'

# What clang 19 counts conditions with.
mcdc="['-fprofile-instr-generate','-fcoverage-mapping','-fcoverage-mcdc']"

# meson's options for a preset. Undefined symbols in the shared library are a sanitizer's own: it lies in the program.
# shellcheck disable=SC2086  # options are words without spaces: split them
preset_options() {
  case $1 in
    debug) echo -Ddebug=true -Doptimization=0 ;;
    release) echo -Dbuildtype=release ;;
    reference) echo -Ddebug=true -Doptimization=2 -Db_ndebug=true ;;
    address) echo $fast_to_build -Db_sanitize=address,undefined -Db_lundef=false ;;
    thread) echo $fast_to_build -Db_sanitize=thread -Db_lundef=false ;;
    coverage) echo $fast_to_build -Db_ndebug=true -Db_coverage=true ;;
    mcdc) echo -Ddebug=false -Doptimization=0 -Db_ndebug=true "-Dc_args=$mcdc" "-Dcpp_args=$mcdc" -Dc_link_args=-fprofile-instr-generate -Dcpp_link_args=-fprofile-instr-generate ;;
    *) die "unknown preset: $1 (debug, release, reference, address, thread, coverage, mcdc)" ;;
  esac
}

# configure COMPILER PRESET [OPTION...]: sets $builddir; does nothing when it is configured so already.
configure() {
  use_compiler "$1"
  builddir=build/$1-$2
  log=build/configure-$1-$2.log
  options="$(preset_options "$2")"
  shift 2
  options="$options $*"
  if [ -f "$builddir/build.ninja" ] && [ "$(cat "$builddir/configured-as" 2>/dev/null)" = "$options" ]; then return; fi
  again=
  [ ! -f "$builddir/build.ninja" ] || again=--reconfigure
  mkdir -p build
  # The options are words without spaces: split them.
  # shellcheck disable=SC2086
  set -- meson setup $again "$builddir" $options
  printf '+ %s\n' "$*"
  "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
  printf '%s\n' "$options" >"$builddir/configured-as"
}

# No suppressions of our code. A finding ends the program, so that it can't be overlooked.
sanitizer_environment() {
  export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
  export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
  export TSAN_OPTIONS="atexit_sleep_ms=100:halt_on_error=1:second_deadlock_stack=1:detect_deadlocks=1:suppressions=$PWD/tests/thread_sanitizer.supp"
}

# Compiles a program of one line with the options given, and runs it.
tries() {
  scratch=$(mktemp -d)
  echo 'int main(void) { return 0; }' >"$scratch/try.c"
  if "$CC" "$@" "$scratch/try.c" -o "$scratch/try" 2>/dev/null && $wrapper "$scratch/try" 2>/dev/null; then
    rm -r "$scratch"
    return 0
  fi
  rm -r "$scratch"
  return 1
}

# The thread sanitizer of these compilers can't place its shadow where the kernel spreads mappings over more than 28
# bits: then its programs are run with the spreading off. Sets $wrapper.
sanitizer_wrapper() {
  wrapper=
  if [ "$1" != thread ] || tries -fsanitize=thread; then return; fi
  wrapper="setarch $(uname -m) -R"
  tries -fsanitize=thread || die "a program under the thread sanitizer does not run here, nor under '$wrapper'"
}
