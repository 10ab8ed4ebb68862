/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"

enum { FILE_SIZE_MAX = 1 << 20, MISTAKES_MAX = 256 * 1024 };

void bt_ini_mistakes_init(struct bt_ini_mistakes *m)
{
    bt_buf_init(&m->text, MISTAKES_MAX);
    m->count = 0;
}

void bt_ini_mistakes_done(struct bt_ini_mistakes *m)
{
    bt_buf_done(&m->text);
}

void bt_ini_mistake(struct bt_ini_mistakes *m, const char *path, unsigned line, const char *fmt,
                    ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (line)
        bt_buf_addf(&m->text, "%s:%u: %s\n", path, line, text);
    else
        bt_buf_addf(&m->text, "%s: %s\n", path, text);
    m->count++;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bt_slice trim(struct bt_slice s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = (struct bt_slice){s.ptr + 1, s.len - 1};
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Cuts `<blank>;<blank>text` off a value. */
static struct bt_slice without_comment(struct bt_slice value)
{
    for (size_t i = 1; i + 1 < value.len; i++)
        if (value.ptr[i] == ';' && is_blank(value.ptr[i - 1]) && is_blank(value.ptr[i + 1]))
            return trim((struct bt_slice){value.ptr, i});
    return value;
}

static bool is_quote(uint8_t c)
{
    return c == '"' || c == '\'';
}

/* MHA drops an optional leading quote only together with a trailing one. */
static struct bt_slice without_quotes(struct bt_slice value)
{
    if (value.len == 0 || !is_quote(value.ptr[value.len - 1]))
        return value;
    value.len--;
    if (value.len && is_quote(value.ptr[0]))
        value = (struct bt_slice){value.ptr + 1, value.len - 1};
    return value;
}

struct parse {
    struct bt_arena *arena;
    struct bt_ini_mistakes *mistakes;
    struct bt_ini *ini;
    struct bt_ini_section **section_tail;
    struct bt_ini_entry **entry_tail;
    const char *section; /* NULL before the first one */
    unsigned line;
    bool no_memory;
};

static void parse_section(struct parse *p, struct bt_slice line)
{
    struct bt_ini_section *section;
    struct bt_slice name;

    if (line.len < 2 || line.ptr[line.len - 1] != ']') {
        bt_ini_mistake(p->mistakes, p->ini->path, p->line, "section is not closed by \"]\"");
        return;
    }
    name = trim((struct bt_slice){line.ptr + 1, line.len - 2});
    for (section = p->ini->sections; section; section = section->next)
        if (bt_slice_equal_str(name, section->name)) {
            p->section = section->name;
            return;
        }
    section = bt_arena_alloc(p->arena, sizeof(*section));
    p->section = bt_arena_str(p->arena, name);
    if (!section || !p->section) {
        p->no_memory = true;
        return;
    }
    *section = (struct bt_ini_section){.name = p->section, .line = p->line};
    *p->section_tail = section;
    p->section_tail = &section->next;
}

static void parse_entry(struct parse *p, struct bt_slice line)
{
    const uint8_t *equals = memchr(line.ptr, '=', line.len);
    struct bt_ini_entry *entry;
    struct bt_slice key, value;

    if (!equals) {
        bt_ini_mistake(p->mistakes, p->ini->path, p->line,
                       "expected key=value or [section], found \"%.*s\"", BT_SLICE_ARG(line));
        return;
    }
    key = trim(bt_slice(line.ptr, (size_t)(equals - line.ptr)));
    value = trim(bt_slice(equals + 1, (size_t)(line.ptr + line.len - equals - 1)));
    value = without_quotes(without_comment(value));
    if (key.len == 0 || !p->section) {
        bt_ini_mistake(p->mistakes, p->ini->path, p->line,
                       key.len ? "\"%.*s\" stands before the first [section]"
                               : "there is no key before \"=\"%.*s",
                       BT_SLICE_ARG(key));
        return;
    }
    entry = bt_arena_alloc(p->arena, sizeof(*entry));
    if (entry)
        *entry = (struct bt_ini_entry){
            .section = p->section,
            .key = bt_arena_str(p->arena, key),
            .value = bt_arena_str(p->arena, value),
            .line = p->line,
        };
    if (!entry || !entry->key || !entry->value) {
        p->no_memory = true;
        return;
    }
    *p->entry_tail = entry;
    p->entry_tail = &entry->next;
}

int bt_ini_parse(struct bt_slice text, const char *path, struct bt_arena *arena,
                 struct bt_ini_mistakes *m, struct bt_ini *ret, struct bt_err *err)
{
    struct bt_ini ini = {.path = path};
    struct parse p = {
        .arena = arena,
        .mistakes = m,
        .ini = &ini,
        .section_tail = &ini.sections,
        .entry_tail = &ini.entries,
    };

    while (text.len && !p.no_memory) {
        const uint8_t *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
        struct bt_slice line = trim((struct bt_slice){text.ptr, len});

        p.line++;
        len += newline ? 1 : 0;
        text = (struct bt_slice){text.ptr + len, text.len - len};
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
            continue;
        if (memchr(line.ptr, 0, line.len))
            bt_ini_mistake(m, path, p.line, "line holds a NUL byte");
        else if (line.ptr[0] == '[')
            parse_section(&p, line);
        else
            parse_entry(&p, line);
    }
    if (p.no_memory)
        return bt_arena_fail(arena, path, err);
    *ret = ini;
    return 0;
}

int bt_ini_read(const char *path, bool secret, struct bt_arena *arena, struct bt_ini_mistakes *m,
                struct bt_ini *ret, struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    bt_auto_free char *text = NULL;
    struct stat st;
    size_t len = 0;

    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (fstat(fd, &st) != 0)
        return bt_fail_sys(err, "could not stat \"%s\"", path);
    if (!S_ISREG(st.st_mode))
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is not a regular file", path);
    if (st.st_size > FILE_SIZE_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" has %lld bytes, allowed are %d", path,
                       (long long)st.st_size, FILE_SIZE_MAX);
    if (secret && (st.st_mode & S_IROTH))
        return bt_fail(err, BT_ERR_CONFIG,
                       "\"%s\" can be read by everybody and holds passwords; run: chmod 600 %s",
                       path, path);
    text = malloc(FILE_SIZE_MAX);
    if (!text)
        return bt_fail_sys(err, "could not read \"%s\"", path);
    for (;;) {
        ssize_t got = read(fd, text + len, FILE_SIZE_MAX - len);

        if (got < 0)
            return bt_fail_sys(err, "could not read \"%s\"", path);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return bt_ini_parse(bt_slice(text, len), path, arena, m, ret, err);
}
