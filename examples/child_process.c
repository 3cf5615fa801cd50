/* SPDX-License-Identifier: MIT
 * Child processes without a line of libuv: what they are given, what they wrote, how they ended; a child that is cancelled, and
 * many at once.
 */
#include "must.h"

#include <crochet.h>
#include <signal.h>
#include <string.h>

static crochet_command *shell(const char *script) {
  const char *const arguments[] = {"-c", script, NULL};
  crochet_command *command;
  MUST(crochet_command_new("/bin/sh", &command) == CROCHET_OK);
  MUST(crochet_command_set_arguments(command, arguments) == CROCHET_OK);
  return command;
}

/* Runs it, and frees the command: the child goes on with what it was given. */
static crochet_result *start(crochet_command *command) {
  crochet_result *result;
  MUST(crochet_command_run(command, NULL, &result) == CROCHET_OK);
  crochet_command_free(command);
  return result;
}

static const crochet_process_exit *exit_of(crochet_result *result) {
  MUST(crochet_result_wait(result, 60 * CROCHET_SECOND) == CROCHET_OK);
  return crochet_result_value(result);
}

static void sort_lines(void) {
  crochet_command *command = shell("sort; echo sorted >&2; exit 3");
  MUST(crochet_command_set_input(command, "wool\nneedle\nhook\n", 17) == CROCHET_OK);
  crochet_result *result = start(command);
  const crochet_process_exit *process = exit_of(result);
  printf("%s%s", crochet_process_exit_stdout(process, NULL), crochet_process_exit_stderr(process, NULL));
  MUST(strcmp(crochet_process_exit_stdout(process, NULL), "hook\nneedle\nwool\n") == 0);
  MUST(crochet_process_exit_status(process) == 3 && crochet_process_exit_signal(process) == 0);
  crochet_result_release(result);
}

static void what_can_go_wrong(void) {
  crochet_command *command;
  crochet_result *result = start(shell("kill -KILL $$"));
  MUST(crochet_process_exit_status(exit_of(result)) == -1 && crochet_process_exit_signal(exit_of(result)) == SIGKILL);
  crochet_result_release(result);

  MUST(crochet_command_new("/no/such/program", &command) == CROCHET_OK);
  result = start(command);
  MUST(crochet_result_wait(result, 60 * CROCHET_SECOND) == CROCHET_EFAILED);
  printf("%s\n", crochet_error_message(crochet_result_error(result)));
  crochet_result_release(result);
}

static void cancelled(void) {
  crochet_command *command = shell("trap '' TERM; exec sleep 1000"); /* it does not obey */
  MUST(crochet_command_set_kill_after(command, 100 * CROCHET_MILLISECOND) == CROCHET_OK);
  crochet_result *result = start(command);
  MUST(crochet_result_wait(result, 50 * CROCHET_MILLISECOND) == CROCHET_ETIMEDOUT); /* which changes nothing */
  MUST(crochet_result_cancel(result, NULL) == CROCHET_OK);
  MUST(crochet_result_wait(result, 60 * CROCHET_SECOND) == CROCHET_ECANCELED); /* it is gone */
  printf("%s\n", crochet_error_message(crochet_result_error(result)));
  crochet_result_release(result);
}

static void many_at_once(void) {
  enum { CHILDREN = 20 };
  crochet_result *results[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    char script[32];
    snprintf(script, sizeof script, "exit %d", i);
    results[i] = start(shell(script));
  }
  for (int i = 0; i < CHILDREN; i++) {
    MUST(crochet_process_exit_status(exit_of(results[i])) == i);
    crochet_result_release(results[i]);
  }
  printf("%d children, each with its own status\n", CHILDREN);
}

int main(void) {
  MUST(crochet_setup(NULL) == CROCHET_OK);
  sort_lines();
  what_can_go_wrong();
  cancelled();
  many_at_once();
  MUST(crochet_shutdown(10 * CROCHET_SECOND) == CROCHET_OK);
  return EXIT_SUCCESS;
}
