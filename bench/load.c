/* load: closed- or open-loop HTTP/1.1 load for model APIs (JSON or SSE); one thread, epoll, loopback only.
 *
 *   load -u http://127.0.0.1:8080/v1/chat/completions [-H 'k: v']... -b body.json
 *        -c 32   connections            -d 5   seconds measured      -w 1   seconds of warm-up before
 *        -r N    requests a second (open loop)                       -n N   at most so many requests
 *        -g 2.5  start the connections spread over so many seconds   -D 3   seconds to wait at the end for what is in flight
 *        -e TEXT what every body must hold
 *
 * Prints one JSON line, times in ms. lat: request start (open loop: planned start) to last byte; ttfb: to the first body byte;
 * chunk: now minus the "@T<ns>@" stamp that the upstream put into each streamed delta. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef long long ll;

static ll now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

typedef struct {
    float *v;
    size_t n, cap;
} vec;

static void vpush(vec *a, float x) {
    if (a->n == a->cap) {
        a->cap = a->cap ? a->cap * 2 : 65536;
        a->v = realloc(a->v, a->cap * 4);
    }
    a->v[a->n++] = x;
}

static int cmp(const void *a, const void *b) {
    float x = *(float *)a, y = *(float *)b;
    return x < y ? -1 : x > y;
}

static double q(vec *a, double p) {
    if (!a->n) return 0;
    size_t i = (size_t)(p * (a->n - 1) + .5);
    return a->v[i];
}

enum { IDLE, CONNECTING, SENDING, HEAD, BODY, CSIZE, CDATA, CCRLF, CTRAIL, TOEND };

typedef struct {
    int fd, st, status, keep, found, reused;
    size_t off;
    ll t0, tfirst;
    char hb[16384];
    size_t hl;
    ll left;
    char line[64];
    int ll_;
    char tail[128];
    int tl;
    size_t bytes;
    int conn_close;
    ll stamp; /* the newest stamp seen: a finished text that repeats its deltas is not counted again */
    char snip[600];
    int snl;
} conn;

static int ep;
static struct sockaddr_in A;
static char *req;
static size_t reql;
static char *expect_s;
static size_t expl;
static ll T0, Twarm, Tend;
static vec lat, ttfb, chk;
static ll ndone, nallchunk, nok, nerr, nconnerr, nmiss, nchunk, nbytes, nstart, maxn;
static ll st_count[600];
static double rate;
static ll nplanned;
static int C;
static conn *cs;
static conn **idle;
static int nidle;
static char errsnip[600];

static void arm(conn *c, int e, int op) {
    struct epoll_event x = {.events = e, .data.ptr = c};
    epoll_ctl(ep, op, c->fd, &x);
}

static void toidle(conn *c) {
    c->st = IDLE;
    idle[nidle++] = c;
}

static void closec(conn *c) {
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}

static void trysend(conn *c) {
    while (c->off < reql) {
        ssize_t r = send(c->fd, req + c->off, reql - c->off, MSG_NOSIGNAL);
        if (r < 0) {
            if (errno == EAGAIN) {
                arm(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
                return;
            }
            return;
        }
        c->off += r;
    }
    arm(c, EPOLLIN, EPOLL_CTL_MOD);
    c->st = HEAD;
}

static void start(conn *c, ll t) {
    c->t0 = t;
    c->tfirst = 0;
    c->off = 0;
    c->hl = 0;
    c->tl = 0;
    c->found = 0;
    c->bytes = 0;
    c->snl = 0;
    c->stamp = 0;
    c->reused = c->fd >= 0;
    nstart++;
    if (c->fd < 0) {
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int one = 1;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
        if (connect(c->fd, (void *)&A, sizeof A) && errno != EINPROGRESS) {
            nconnerr++;
            closec(c);
            usleep(1000);
            toidle(c);
            return;
        }
        arm(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
        c->st = CONNECTING;
        return;
    }
    c->st = SENDING;
    trysend(c);
}

static void done(conn *c, int ok) {
    ll t = now();
    if (ok) ndone++;
    if (!ok) {
        if (t >= Twarm && t <= Tend) nconnerr++;
        closec(c);
        toidle(c);
        return;
    }
    if (t >= Twarm && t <= Tend) {
        if (c->status < 600) st_count[c->status]++;
        if (c->status >= 200 && c->status < 300) {
            if (expl && !c->found) nmiss++;
            nok++;
            vpush(&lat, (t - c->t0) / 1e6);
            if (c->tfirst) vpush(&ttfb, (c->tfirst - c->t0) / 1e6);
            nbytes += c->bytes;
        } else
            nerr++;
    }
    if ((!(c->status >= 200 && c->status < 300) || (expl && !c->found)) && !errsnip[0]) {
        memcpy(errsnip, c->snip, c->snl);
        errsnip[c->snl] = 0;
        for (char *p = errsnip; *p; p++)
            if (*p == '"' || *p == '\\' || *p < 32) *p = '\'';
    }
    if (c->conn_close) closec(c);
    toidle(c);
}

/* look at body bytes: time stamps and the expected string, also over buffer borders */
static void scan(conn *c, const char *p, size_t n) {
    ll t = now();
    if (!c->tfirst && n) c->tfirst = t;
    c->bytes += n;
    if (c->snl < 500) {
        size_t k = 500 - c->snl < n ? 500 - c->snl : n;
        memcpy(c->snip + c->snl, p, k);
        c->snl += k;
    }
    static char *b;
    static size_t cap;
    if (cap < n + 128) {
        cap = n + 65536;
        b = realloc(b, cap);
    }
    memcpy(b, c->tail, c->tl);
    memcpy(b + c->tl, p, n);
    size_t L = c->tl + n;
    char *s = b, *e = b + L;
    if (expl && !c->found && memmem(b, L, expect_s, expl)) c->found = 1;
    char *lastend = b;
    while (s < e) {
        char *m = memmem(s, e - s, "@T", 2);
        if (!m || e - m < 22) break;
        if (m[21] == '@') {
            ll x = strtoll(m + 2, 0, 10);
            if (x > c->stamp) {
                c->stamp = x;
                nallchunk++;
                nchunk += (t >= Twarm && t <= Tend);
                if (t >= Twarm && t <= Tend) vpush(&chk, (t - x) / 1e6);
            }
            s = m + 22;
            lastend = s;
        } else
            s = m + 2;
    }
    size_t keep = e - lastend;
    if (keep > 100) keep = 100;
    memmove(c->tail, e - keep, keep);
    c->tl = keep;
}

static void feed(conn *c, char *p, size_t n) {
    while (n) {
        switch (c->st) {
        case HEAD: {
            size_t k = sizeof c->hb - 1 - c->hl;
            if (k > n) k = n;
            size_t old = c->hl;
            memcpy(c->hb + c->hl, p, k);
            c->hl += k;
            c->hb[c->hl] = 0;
            char *e = memmem(c->hb, c->hl, "\r\n\r\n", 4);
            if (!e) {
                if (c->hl >= sizeof c->hb - 1) {
                    done(c, 0);
                    return;
                }
                p += k;
                n -= k;
                break;
            }
            size_t hn = e - c->hb + 4;
            p += hn - old;
            n -= hn - old;
            c->status = atoi(c->hb + 9);
            if (c->status == 100) {
                c->hl = 0;
                break;
            }
            *e = 0;
            char *cl = strcasestr(c->hb, "\r\ncontent-length:"), *te = strcasestr(c->hb, "\r\ntransfer-encoding:");
            c->conn_close = strcasestr(c->hb, "\r\nconnection: close") != 0;
            if (te) {
                c->st = CSIZE;
                c->ll_ = 0;
            } else if (cl) {
                c->left = atoll(cl + 17);
                c->st = BODY;
                if (!c->left) {
                    done(c, 1);
                    return;
                }
            } else {
                c->st = TOEND;
                c->conn_close = 1;
            }
            break;
        }
        case BODY: {
            size_t k = n < (size_t)c->left ? n : (size_t)c->left;
            scan(c, p, k);
            p += k;
            n -= k;
            c->left -= k;
            if (!c->left) {
                done(c, 1);
                return;
            }
            break;
        }
        case TOEND:
            scan(c, p, n);
            n = 0;
            break;
        case CSIZE: {
            char ch = *p++;
            n--;
            if (ch == '\n') {
                c->line[c->ll_] = 0;
                c->left = strtoll(c->line, 0, 16);
                c->ll_ = 0;
                c->st = c->left ? CDATA : CTRAIL;
            } else if (c->ll_ < 60)
                c->line[c->ll_++] = ch;
            break;
        }
        case CDATA: {
            size_t k = n < (size_t)c->left ? n : (size_t)c->left;
            scan(c, p, k);
            p += k;
            n -= k;
            c->left -= k;
            if (!c->left) c->st = CCRLF;
            break;
        }
        case CCRLF: {
            char ch = *p++;
            n--;
            if (ch == '\n') {
                c->st = CSIZE;
                c->ll_ = 0;
            }
            break;
        }
        case CTRAIL: {
            char ch = *p++;
            n--;
            if (ch == '\n') {
                if (c->ll_ == 0) {
                    done(c, 1);
                    return;
                }
                c->ll_ = 0;
            } else if (ch != '\r')
                c->ll_++;
            break;
        }
        default:
            return;
        }
    }
}

int main(int ac, char **av) {
    signal(SIGPIPE, SIG_IGN);
    int o;
    char *url = 0, *bf = 0;
    char hd[32768] = "";
    double d = 5, w = 1, ramp = 0, drain = 3;
    C = 32;
    while ((o = getopt(ac, av, "u:H:b:c:d:w:r:n:e:g:D:")) > 0)
        switch (o) {
        case 'u':
            url = optarg;
            break;
        case 'H':
            strcat(hd, optarg);
            strcat(hd, "\r\n");
            break;
        case 'b':
            bf = optarg;
            break;
        case 'c':
            C = atoi(optarg);
            break;
        case 'd':
            d = atof(optarg);
            break;
        case 'w':
            w = atof(optarg);
            break;
        case 'r':
            rate = atof(optarg);
            break;
        case 'n':
            maxn = atoll(optarg);
            break;
        case 'D':
            drain = atof(optarg);
            break;
        case 'g':
            ramp = atof(optarg);
            break;
        case 'e':
            expect_s = optarg;
            expl = strlen(optarg);
            break;
        default:
            return 2;
        }
    if (d + w + drain > 40) {
        fprintf(stderr, "run too long\n");
        return 2;
    }
    if (!url || strncmp(url, "http://", 7)) {
        fprintf(stderr, "need -u http://127.0.0.1:..\n");
        return 2;
    }
    char host[256];
    char *p = url + 7, *sl = strchr(p, '/');
    size_t hl = sl ? (size_t)(sl - p) : strlen(p);
    memcpy(host, p, hl);
    host[hl] = 0;
    char *path = sl ? sl : "/";
    int port = 80;
    char *co = strchr(host, ':');
    if (co) {
        *co = 0;
        port = atoi(co + 1);
    }
    if (strncmp(host, "127.", 4) && strcmp(host, "localhost")) {
        fprintf(stderr, "loopback only\n");
        return 2;
    }
    A.sin_family = AF_INET;
    A.sin_port = htons(port);
    inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &A.sin_addr);
    char *body = 0;
    size_t bl = 0;
    if (bf) {
        FILE *f = fopen(bf, "rb");
        if (!f) {
            perror(bf);
            return 2;
        }
        fseek(f, 0, SEEK_END);
        bl = ftell(f);
        rewind(f);
        body = malloc(bl + 1);
        bl = fread(body, 1, bl, f);
        fclose(f);
    }
    req = malloc(bl + 40000);
    reql = sprintf(req, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s", bf ? "POST" : "GET", path, host, port,
                   strcasestr(hd, "content-type:") || !bf ? "" : "Content-Type: application/json\r\n", hd);
    if (bf) reql += sprintf(req + reql, "Content-Length: %zu\r\n", bl);
    reql += sprintf(req + reql, "\r\n");
    if (bf) {
        memcpy(req + reql, body, bl);
        reql += bl;
    }
    ep = epoll_create1(0);
    cs = calloc(C, sizeof *cs);
    idle = calloc(C, sizeof *idle);
    for (int i = 0; i < C; i++) {
        cs[i].fd = -1;
        idle[nidle++] = &cs[i];
    }
    T0 = now();
    Twarm = T0 + (ll)(w * 1e9);
    Tend = Twarm + (ll)(d * 1e9);
    static char buf[262144];
    struct epoll_event E[256];
    ll stopat = Tend + (ll)(drain * 1e9);
    int stopping = 0;
    while (1) {
        ll t = now();
        if (t >= stopat) break;
        if (t >= Tend) stopping = 1;
        if (stopping && nidle == C) break;
        if (maxn && ndone + nconnerr >= maxn) {
            if (t < Tend) Tend = t;
            break;
        }
        int to = 50;
        if (stopping) {
        } else if (rate > 0) {
            while (nidle && (!maxn || nstart < maxn)) {
                ll due = T0 + (ll)(nplanned * 1e9 / rate);
                if (due > t) {
                    to = (due - t) / 1000000;
                    break;
                }
                nplanned++;
                start(idle[--nidle], due);
            }
            if (to > 50) to = 50;
        } else {
            int k = nidle;
            if (ramp > 0) {
                ll allow = (ll)((t - T0) / 1e9 / ramp * C) + 1;
                if (allow >= C) ramp = 0;
                int busy = C - nidle;
                if (ramp > 0 && k > allow - busy) k = allow - busy > 0 ? allow - busy : 0;
                to = 1;
            }
            while (k-- > 0 && (!maxn || nstart < maxn))
                start(idle[--nidle], now());
        }
        struct timespec ts = {to / 1000, (to % 1000) * 1000000L};
        if (rate > 0 && nidle && !stopping) {
            ll due = T0 + (ll)(nplanned * 1e9 / rate) - now();
            if (due < 0) due = 0;
            if (due > 50000000) due = 50000000;
            ts.tv_sec = 0;
            ts.tv_nsec = due;
        }
        int n = epoll_pwait2(ep, E, 256, &ts, 0);
        for (int i = 0; i < n; i++) {
            conn *c = E[i].data.ptr;
            if (c->fd < 0) continue;
            if (E[i].events & EPOLLOUT) {
                if (c->st == CONNECTING) {
                    int er = 0;
                    socklen_t sl2 = sizeof er;
                    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &er, &sl2);
                    if (er) {
                        done(c, 0);
                        continue;
                    }
                    c->st = SENDING;
                }
                if (c->st == SENDING) trysend(c);
            }
            if (E[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                ssize_t r = recv(c->fd, buf, sizeof buf, 0);
                if (r > 0) {
                    if (c->st == SENDING) c->st = HEAD;
                    feed(c, buf, r);
                } else if (r == 0 || errno != EAGAIN) {
                    if (c->st == TOEND)
                        done(c, 1);
                    else if (c->st == IDLE)
                        closec(c);
                    else if (c->reused && (c->st == HEAD || c->st == SENDING) && c->hl == 0) {
                        ll t1 = c->t0;
                        closec(c);
                        nstart--;
                        start(c, t1);
                    } else
                        done(c, 0);
                }
            }
        }
    }
    ll te = now();
    if (te < Tend) Tend = te;
    double el = (Tend - Twarm) / 1e9;
    qsort(lat.v, lat.n, 4, cmp);
    qsort(ttfb.v, ttfb.n, 4, cmp);
    qsort(chk.v, chk.n, 4, cmp);
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    double cpu = ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
    int open = 0;
    for (int i = 0; i < C; i++)
        open += cs[i].st != IDLE;
    printf(
        "{\"secs\":%.3f,\"ok\":%lld,\"bad_status\":%lld,\"conn_err\":%lld,\"missing_expect\":%lld,\"rps\":%.1f,\"lat_p50\":%.3f,\"lat_p90\":%.3f,\"lat_p99\":%.3f,\"lat_max\":%.3f,\"ttfb_p50\":%.3f,\"ttfb_p99\":%.3f,\"chunks\":%lld,\"chunks_s\":%.0f,\"chunk_p50\":%.3f,\"chunk_p99\":%.3f,\"chunk_max\":%.3f,\"mb\":%.2f,\"in_flight_at_end\":%d,\"done_total\":%lld,\"chunks_total\":%lld,\"gen_cpu_s\":%.2f,\"status\":{",
        el, nok, nerr, nconnerr, nmiss, nok / el, q(&lat, .5), q(&lat, .9), q(&lat, .99), q(&lat, 1), q(&ttfb, .5),
        q(&ttfb, .99), nchunk, nchunk / el, q(&chk, .5), q(&chk, .99), q(&chk, 1), nbytes / 1e6, open, ndone, nallchunk,
        cpu);
    int f = 1;
    for (int i = 0; i < 600; i++)
        if (st_count[i]) {
            printf("%s\"%d\":%lld", f ? "" : ",", i, st_count[i]);
            f = 0;
        }
    printf("},\"err_sample\":\"%.300s\"}\n", errsnip);
    return 0;
}
