# SPDX-License-Identifier: MIT
# The library from a language that can call C, without a binding and without a C compiler: here Python's ctypes.
import ctypes
import os
import sys
import time

# [load]
crochet = ctypes.CDLL(os.environ.get("CROCHET_LIBRARY", "libcrochet.so.0"))
SECOND = 1_000_000_000
OK, EFAILED, ETIMEDOUT, EINTR = 0, -10001, -10006, -10007
Handle = ctypes.c_void_p


def declare(name, result, *arguments):
    function = getattr(crochet, name)
    function.restype, function.argtypes = result, arguments
    return function


setup = declare("crochet_setup", ctypes.c_int, Handle)
shutdown = declare("crochet_shutdown", ctypes.c_int, ctypes.c_int64)
getaddrinfo = declare("crochet_getaddrinfo", ctypes.c_int, Handle, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int,
                      ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(Handle))
wait = declare("crochet_result_wait_interruptible", ctypes.c_int, Handle, ctypes.c_int64)
cancel = declare("crochet_result_cancel", ctypes.c_int, Handle, ctypes.c_void_p)
release = declare("crochet_result_release", None, Handle)
value = declare("crochet_result_value", ctypes.c_void_p, Handle)
error = declare("crochet_result_error", ctypes.c_void_p, Handle)
message = declare("crochet_error_message", ctypes.c_char_p, ctypes.c_void_p)
count = declare("crochet_addresses_count", ctypes.c_size_t, ctypes.c_void_p)
text = declare("crochet_addresses_text", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
status_message = declare("crochet_status_message", ctypes.c_char_p, ctypes.c_int)
# [end load]


# [resolve]
def check(status):
    if status != OK:
        raise OSError(status_message(status).decode())


def resolve(name, seconds):
    result = Handle()
    check(getaddrinfo(None, name.encode(), None, 0, 1, 0, 0, ctypes.byref(result)))
    try:
        status, end = EINTR, time.monotonic() + seconds
        while status == EINTR:  # at least every 100 ms, so that the interpreter sees to Ctrl-C
            status = wait(result, max(0, int((end - time.monotonic()) * SECOND)))
        if status == EFAILED:
            raise OSError(message(error(result)).decode())
        if status == ETIMEDOUT:
            cancel(result, None)
        check(status)
        found = value(result)  # lent, as long as we hold the result
        return [text(found, i).decode() for i in range(count(found))]
    finally:
        release(result)
# [end resolve]


def main():
    check(setup(None))
    print(resolve("localhost", 5))
    try:
        resolve("not a name", 5)
        return 1
    except OSError as failure:
        print(failure)
    return 0 if shutdown(10 * SECOND) == OK else 1


if __name__ == "__main__":
    sys.exit(main())
