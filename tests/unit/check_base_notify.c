/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told, over a socket as systemd makes it. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"
#include "tests/unit/suite.h"

/* Listens in a folder of its own; the path is in NOTIFY_SOCKET. */
static int listen_at(char *dir, size_t room, struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    snprintf(dir, room, "/tmp/baton-notify.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "%s/notify", dir);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", address->sun_path, 1), 0);
    return fd;
}

START_TEST(a_state_arrives_as_one_datagram)
{
    struct sockaddr_un address;
    char dir[64], got[128] = "";
    int fd = listen_at(dir, sizeof(dir), &address);

    bt_notify("READY=1\nSTATUS=%s", "watching db1");
    ck_assert_int_gt(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 0);
    ck_assert_str_eq(got, "READY=1\nSTATUS=watching db1");
    close(fd);
    unlink(address.sun_path);
    rmdir(dir);
    /* Nobody listens any more: that is no trouble of ours. */
    bt_notify("STOPPING=1");
}
END_TEST

START_TEST(an_abstract_name_is_a_socket_too)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char name[64], got[32] = "";
    int len = snprintf(name, sizeof(name), "@baton-notify-%d", (int)getpid());

    memcpy(address.sun_path, name, (size_t)len);
    address.sun_path[0] = '\0';
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(sizeof(address.sun_family) + (size_t)len)),
                     0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
    bt_notify("WATCHDOG=1");
    ck_assert_int_gt(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 0);
    ck_assert_str_eq(got, "WATCHDOG=1");
    close(fd);
}
END_TEST

START_TEST(the_watchdog_is_fed_twice_in_its_time)
{
    unsetenv("WATCHDOG_USEC");
    ck_assert_int_eq(bt_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "60000000", 1);
    ck_assert_int_eq(bt_notify_watchdog_ms(), 30000);
    setenv("WATCHDOG_USEC", "soon", 1);
    ck_assert_int_eq(bt_notify_watchdog_ms(), 0);
}
END_TEST

BT_SUITE_MAIN("base notify", {a_state_arrives_as_one_datagram, 0},
              {an_abstract_name_is_a_socket_too, 0}, {the_watchdog_is_fed_twice_in_its_time, 0})
