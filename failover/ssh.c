/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/ssh.h"

#include <inttypes.h>

#include "base/buf.h"

enum { CONNECT_MS = 5000,
       OPTION_WORDS_MAX = 256,
       ALIVE_SECONDS = 5,
       ALIVE_COUNT = 3 };

/* ------------------------------------------------------------------- words */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Reads one word at *at into out (emptied before).  false: a quote is left open. */
static bool read_word(const char **at, struct bt_buf *out)
{
    const char *p = *at;
    char quote = '\0';

    bt_buf_reset(out);
    for (; *p && (quote || !is_blank(*p)); p++) {
        if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p;
        } else if (quote && *p == quote) {
            quote = '\0';
        } else {
            if (*p == '\\' && quote != '\'' && p[1])
                p++;
            bt_buf_add_byte(out, (uint8_t)*p);
        }
    }
    *at = p;
    return quote == '\0';
}

int bt_ssh_words(const char *text, struct bt_arena *arena, const char ***ret, size_t *ret_count,
                 struct bt_err *err)
{
    const char **words = bt_arena_array(arena, OPTION_WORDS_MAX + 1, sizeof(*words));
    bt_auto_buf struct bt_buf word;
    const char *p = text;
    size_t count = 0;

    bt_buf_init(&word, strlen(text) + 1);
    if (!words)
        return bt_arena_fail(arena, "the words of ssh_options", err);
    for (;;) {
        while (is_blank(*p))
            p++;
        if (*p == '\0')
            break;
        if (count == OPTION_WORDS_MAX)
            return bt_fail(err, BT_ERR_LIMIT, "ssh_options has more than %d words",
                           OPTION_WORDS_MAX);
        if (!read_word(&p, &word))
            return bt_fail(err, BT_ERR_CONFIG, "ssh_options has an open quote: %s", text);
        words[count] = bt_arena_str(arena, bt_buf_slice(&word));
        if (!words[count++])
            return bt_arena_fail(arena, "the words of ssh_options", err);
    }
    *ret = words;
    *ret_count = count;
    return 0;
}

const char *bt_shell_quote(const char *word, struct bt_arena *arena)
{
    bt_auto_buf struct bt_buf out;

    bt_buf_init(&out, 4 * strlen(word) + 3);
    bt_buf_add_byte(&out, '\'');
    for (const char *p = word; *p; p++) {
        if (*p == '\'')
            bt_buf_add_str(&out, "'\\''");
        else
            bt_buf_add_byte(&out, (uint8_t)*p);
    }
    bt_buf_add_byte(&out, '\'');
    return out.failed ? NULL : bt_arena_str(arena, bt_buf_slice(&out));
}

/* -------------------------------------------------------------------- argv */

/* argv while it grows. */
struct argv {
    const char **words;
    size_t count;
};

static void add(struct argv *a, const char *word)
{
    a->words[a->count++] = word;
}

static void add_option(struct argv *a, const char *option)
{
    add(a, "-o");
    add(a, option);
}

int bt_ssh_argv(const struct bt_host *host, const char *command, struct bt_arena *arena,
                const char *const **ret, struct bt_err *err)
{
    int64_t connect_ms = host->connect_ms > 0 ? host->connect_ms : CONNECT_MS;
    const char *timeout =
        bt_arena_strf(arena, "ConnectTimeout=%" PRId64, (connect_ms + 999) / 1000);
    const char *interval = bt_arena_strf(arena, "ServerAliveInterval=%d", ALIVE_SECONDS);
    const char *count = bt_arena_strf(arena, "ServerAliveCountMax=%d", ALIVE_COUNT);
    const char *port = bt_arena_strf(arena, "%u", host->ssh_port);
    struct argv a = {bt_arena_array(arena, OPTION_WORDS_MAX + 24, sizeof(*a.words)), 0};
    const char **options;
    size_t option_count;

    if (!a.words || !timeout || !interval || !count || !port)
        return bt_arena_fail(arena, "ssh's command line", err);
    if (!host->ssh_host[0] || host->ssh_host[0] == '-')
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is no host for ssh", host->ssh_host);
    if (bt_ssh_words(host->ssh_options, arena, &options, &option_count, err) != 0)
        return -1;
    add(&a, "ssh");
    add(&a, "-T");
    add_option(&a, "BatchMode=yes");
    for (size_t i = 0; i < option_count; i++)
        add(&a, options[i]);
    add_option(&a, timeout);
    add_option(&a, interval);
    add_option(&a, count);
    if (host->ssh_port != 0) {
        add(&a, "-p");
        add(&a, port);
    }
    if (host->ssh_user[0]) {
        add(&a, "-l");
        add(&a, host->ssh_user);
    }
    add(&a, "--");
    add(&a, host->ssh_host);
    add(&a, command);
    add(&a, NULL);
    *ret = a.words;
    return 0;
}

/* ---------------------------------------------------------------- failures */

const char *bt_channel_failure_name(enum bt_channel_failure why)
{
    static const char *const names[] = {
#define X(id, name, meaning) name,
        BT_CHANNEL_FAILURES(X)
#undef X
    };

    return names[why];
}

const char *bt_channel_failure_meaning(enum bt_channel_failure why)
{
    static const char *const meanings[] = {
#define X(id, name, meaning) meaning,
        BT_CHANNEL_FAILURES(X)
#undef X
    };

    return meanings[why];
}

enum bt_channel_failure bt_ssh_failure(struct bt_slice errors)
{
    /* Words of ssh.c, sshconnect.c, clientloop.c (OpenSSH 9.2) and of strerror(3). */
    static const struct {
        const char *words;
        enum bt_channel_failure why;
    } known[] = {
        {"Host key verification failed", BT_CHANNEL_HOST_KEY},
        {"REMOTE HOST IDENTIFICATION HAS CHANGED", BT_CHANNEL_HOST_KEY},
        {"no matching host key type", BT_CHANNEL_HOST_KEY},
        {"Could not resolve hostname", BT_CHANNEL_UNRESOLVED},
        {"Connection refused", BT_CHANNEL_REFUSED},
        {"Permission denied", BT_CHANNEL_DENIED},
        {"Too many authentication failures", BT_CHANNEL_DENIED},
        {"No route to host", BT_CHANNEL_UNREACHABLE},
        {"Network is unreachable", BT_CHANNEL_UNREACHABLE},
        {"timed out", BT_CHANNEL_TIMEOUT},
        {"not responding", BT_CHANNEL_TIMEOUT},
        {"Bad configuration option", BT_CHANNEL_CONFIG},
        {"Can't open user config file", BT_CHANNEL_CONFIG},
        {"unknown option", BT_CHANNEL_CONFIG},
        {"usage: ssh", BT_CHANNEL_CONFIG},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (errors.len > 0 &&
            memmem(errors.ptr, errors.len, known[i].words, strlen(known[i].words)))
            return known[i].why;
    }
    return BT_CHANNEL_CLOSED;
}
