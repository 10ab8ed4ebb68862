/* SPDX-License-Identifier: Apache-2.0 */
/* Children and pipes: nothing waits past its deadline and nothing is left behind. */
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/process.h"
#include "base/run.h"

static bool mentions(const struct bt_err *err, const char *text)
{
    return strstr(err->text, text) != NULL;
}

/* ---------------------------------------------------------------------- io */

START_TEST(a_read_waits_no_longer_than_its_deadline)
{
    struct bt_err err = {0};
    int64_t began = bt_clock_ms();
    char byte;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(bt_io_read(ends[0], &byte, 1, bt_deadline_in(60), &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_TIMEOUT);
    ck_assert_int_ge(bt_clock_ms() - began, 60);
    ck_assert_int_lt(bt_clock_ms() - began, 2000);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(the_end_of_a_stream_is_told_from_a_cut_one)
{
    struct bt_err err = {0};
    char bytes[4];
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(bt_io_write(ends[1], "abcdef", 6, bt_deadline_in(1000), &err), 0);
    close(ends[1]);
    ck_assert_int_eq(bt_io_read(ends[0], bytes, 4, bt_deadline_in(1000), &err), 0);
    ck_assert_int_eq(memcmp(bytes, "abcd", 4), 0);
    ck_assert_int_eq(bt_io_read(ends[0], bytes, 4, bt_deadline_in(1000), &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    ck_assert_msg(mentions(&err, "after 2 of 4 bytes"), "%s", err.text);
    ck_assert_int_eq(bt_io_read(ends[0], bytes, 4, bt_deadline_in(1000), &err), 1);
    close(ends[0]);
}
END_TEST

START_TEST(a_reader_that_has_gone_is_an_error_and_no_signal)
{
    struct bt_err err = {0};
    sigset_t pending;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    close(ends[0]);
    ck_assert_int_eq(bt_io_write(ends[1], "x", 1, bt_deadline_in(1000), &err), -1);
    ck_assert_int_eq(err.os_errno, EPIPE);
    sigpending(&pending);
    ck_assert(!sigismember(&pending, SIGPIPE));
    close(ends[1]);
}
END_TEST

START_TEST(a_full_pipe_stops_the_writer_at_its_deadline)
{
    static const uint8_t much[1 << 20];
    struct bt_err err = {0};
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(bt_io_write(ends[1], much, sizeof(much), bt_deadline_in(50), &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_TIMEOUT);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_range_of_a_file_is_written_and_a_short_file_is_named)
{
    char path[] = "/tmp/check_base_process.XXXXXX";
    bt_auto_fd int file = mkstemp(path);
    struct bt_err err = {0};
    char got[5];
    int ends[2];

    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(pwrite(file, "0123456789", 10, 0), 10);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(bt_io_write_file(ends[1], file, 3, 5, bt_deadline_in(1000), &err), 0);
    ck_assert_int_eq(bt_io_read(ends[0], got, 5, bt_deadline_in(1000), &err), 0);
    ck_assert_int_eq(memcmp(got, "34567", 5), 0);
    ck_assert_int_eq(bt_io_write_file(ends[1], file, 8, 5, bt_deadline_in(1000), &err), -1);
    ck_assert_msg(mentions(&err, "after 2 of 5 bytes"), "%s", err.text);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(reading_all_stops_at_the_ceiling)
{
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    int ends[2];

    bt_buf_init(&out, 8);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(bt_io_write(ends[1], "123456789", 9, bt_deadline_in(1000), &err), 0);
    close(ends[1]);
    ck_assert_int_eq(bt_io_read_all(ends[0], &out, bt_deadline_in(1000), &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_LIMIT);
    close(ends[0]);
}
END_TEST

/* ----------------------------------------------------------------- process */

START_TEST(a_child_answers_over_its_pipes_and_ends_when_its_input_closes)
{
    const char *const argv[] = {"cat", NULL};
    bt_auto_process struct bt_process p = BT_PROCESS_NONE;
    struct bt_err err = {0};
    char got[5];

    ck_assert_int_eq(bt_process_start((struct bt_process_opts){.argv = argv,
                                                               .in = BT_PROCESS_PIPE,
                                                               .out = BT_PROCESS_PIPE},
                                      &p, &err),
                     0);
    ck_assert_int_eq(bt_io_write(p.in, "hello", 5, bt_deadline_in(5000), &err), 0);
    ck_assert_int_eq(bt_io_read(p.out, got, 5, bt_deadline_in(5000), &err), 0);
    ck_assert_int_eq(memcmp(got, "hello", 5), 0);
    ck_assert_int_eq(bt_process_wait(&p, bt_deadline_in(20), &err), 1);
    close(p.in);
    p.in = -1;
    ck_assert_int_eq(bt_process_wait(&p, bt_deadline_in(5000), &err), 0);
    ck_assert_int_eq(bt_process_exit_code(p.status), 0);
}
END_TEST

START_TEST(a_missing_program_is_an_error_of_start)
{
    const char *const argv[] = {"/nonexistent/program", NULL};
    struct bt_process p = BT_PROCESS_NONE;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_process_start((struct bt_process_opts){.argv = argv}, &p, &err), -1);
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_str_eq(err.text, "could not run \"/nonexistent/program\": No such file or directory");
}
END_TEST

static int run_line(const char *line, struct bt_buf *out, struct bt_run_result *ret)
{
    struct bt_err err = {0};
    int rc = bt_run((struct bt_run_opts){.line = line, .out = out, .timeout_ms = 20000}, ret, &err);

    ck_assert_msg(rc == 0, "%s", err.text);
    return rc;
}

START_TEST(a_child_gets_no_descriptor_but_its_three)
{
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec on purpose */

    bt_buf_init(&out, 4096);
    ck_assert_int_eq(run_line("ls /proc/self/fd | tr '\\n' ' '", &out, &r), 0);
    ck_assert_str_eq(bt_buf_str(&out), "0 1 2 3 "); /* 3 is ls's own */
    close(leak);
}
END_TEST

START_TEST(ending_a_child_kills_its_whole_group_also_one_that_ignores_sigterm)
{
    const char *const argv[] = {"sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; sleep 600",
                                NULL};
    const struct bt_process_opts opts = {.argv = argv, .out = BT_PROCESS_PIPE};
    struct bt_process p = BT_PROCESS_NONE;
    struct bt_deadline until = bt_deadline_in(5000);
    struct bt_err err = {0};
    char line[32] = "";
    size_t got = 0;
    pid_t grandchild;

    ck_assert_int_eq(bt_process_start(opts, &p, &err),
                     0);
    ck_assert_int_eq(bt_io_read_some(p.out, line, sizeof(line) - 1, until, &got, &err), 0);
    grandchild = (pid_t)strtol(line, NULL, 10);
    ck_assert_int_gt(grandchild, 1);
    bt_process_end(&p, 0);
    ck_assert_int_eq(p.pid, 0);
    /* Its new parent reaps it; a zombie still answers kill 0. */
    while (kill(grandchild, 0) == 0 && !bt_deadline_passed(until)) {
        char path[64], state[256] = "";
        bt_auto_file FILE *f = NULL;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)grandchild);
        f = fopen(path, "re");
        if (f && fgets(state, sizeof(state), f) && strstr(state, ") Z"))
            break;
        bt_clock_pause(5, until);
    }
    ck_assert(!bt_deadline_passed(until));
}
END_TEST

/* --------------------------------------------------------------------- run */

START_TEST(the_exit_code_and_both_outputs_are_reported)
{
    bt_auto_buf struct bt_buf out;
    bt_auto_buf struct bt_buf errors;
    struct bt_run_result r;
    struct bt_err err = {0};

    bt_buf_init(&out, 4096);
    bt_buf_init(&errors, 4096);
    ck_assert_int_eq(bt_run((struct bt_run_opts){.line = "cat; echo bad >&2; exit 10",
                                                 .input = bt_slice("in", 2),
                                                 .out = &out,
                                                 .errors = &errors,
                                                 .timeout_ms = 5000},
                            &r, &err),
                     0);
    ck_assert_int_eq(r.exit_code, 10);
    ck_assert_int_eq(r.signal, 0);
    ck_assert_str_eq(bt_buf_str(&out), "in");
    ck_assert_str_eq(bt_buf_str(&errors), "bad\n");
}
END_TEST

START_TEST(joined_outputs_keep_their_order)
{
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;

    bt_buf_init(&out, 4096);
    ck_assert_int_eq(run_line("echo 1; echo 2 >&2; echo 3", &out, &r), 0);
    ck_assert_str_eq(bt_buf_str(&out), "1\n2\n3\n");
}
END_TEST

START_TEST(a_command_that_hangs_is_killed_at_its_deadline_and_what_it_said_is_kept)
{
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;
    struct bt_err err = {0};
    int64_t began = bt_clock_ms();

    bt_buf_init(&out, 4096);
    ck_assert_int_eq(bt_run((struct bt_run_opts){.line = "echo secret-free; sleep 600",
                                                 .name = "\"hook\"",
                                                 .out = &out,
                                                 .timeout_ms = 300},
                            &r, &err),
                     -1);
    ck_assert_int_eq(err.kind, BT_ERR_TIMEOUT);
    ck_assert_str_eq(err.text, "\"hook\" did not end within 300 ms and was killed");
    ck_assert_str_eq(bt_buf_str(&out), "secret-free\n");
    ck_assert_int_lt(bt_clock_ms() - began, 3000);
}
END_TEST

START_TEST(what_a_command_left_in_the_background_does_not_delay_it)
{
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;
    int64_t began = bt_clock_ms();

    bt_buf_init(&out, 4096);
    ck_assert_int_eq(run_line("sleep 600 & echo $!", &out, &r), 0);
    ck_assert_int_lt(bt_clock_ms() - began, 10000);
    /* it still ran */
    ck_assert_int_eq(kill((pid_t)strtol(bt_buf_str(&out), NULL, 10), SIGKILL), 0);
}
END_TEST

START_TEST(output_over_the_ceiling_is_counted_and_dropped)
{
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;

    bt_buf_init(&out, 1000);
    ck_assert_int_eq(run_line("head -c 300000 /dev/zero", &out, &r), 0);
    ck_assert_uint_eq(out.len, 1000);
    ck_assert_uint_eq(r.dropped, 299000);
}
END_TEST

START_TEST(a_command_killed_by_a_signal_says_so)
{
    struct bt_run_result r;

    ck_assert_int_eq(run_line("kill -9 $$", NULL, &r), 0);
    ck_assert_int_eq(r.signal, SIGKILL);
    ck_assert_int_eq(r.exit_code, 128 + SIGKILL);
}
END_TEST

START_TEST(input_that_nobody_reads_is_no_error)
{
    static const uint8_t much[1 << 20];
    struct bt_run_result r;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_run((struct bt_run_opts){.line = "exit 3",
                                                 .input = bt_slice(much, sizeof(much)),
                                                 .timeout_ms = 5000},
                            &r, &err),
                     0);
    ck_assert_int_eq(r.exit_code, 3);
}
END_TEST

BT_SUITE_MAIN("base process",
              {a_read_waits_no_longer_than_its_deadline, 0},
              {the_end_of_a_stream_is_told_from_a_cut_one, 0},
              {a_reader_that_has_gone_is_an_error_and_no_signal, 0},
              {a_full_pipe_stops_the_writer_at_its_deadline, 0},
              {a_range_of_a_file_is_written_and_a_short_file_is_named, 0},
              {reading_all_stops_at_the_ceiling, 0},
              {a_child_answers_over_its_pipes_and_ends_when_its_input_closes, 0},
              {a_missing_program_is_an_error_of_start, 0},
              {a_child_gets_no_descriptor_but_its_three, 0},
              {ending_a_child_kills_its_whole_group_also_one_that_ignores_sigterm, 0},
              {the_exit_code_and_both_outputs_are_reported, 0},
              {joined_outputs_keep_their_order, 0},
              {a_command_that_hangs_is_killed_at_its_deadline_and_what_it_said_is_kept, 0},
              {what_a_command_left_in_the_background_does_not_delay_it, 0},
              {output_over_the_ceiling_is_counted_and_dropped, 0},
              {a_command_killed_by_a_signal_says_so, 0},
              {input_that_nobody_reads_is_no_error, 0})
