/* upstream: a very fast stand-in for a model provider (Chat Completions, Responses, Messages); one thread, epoll, loopback only.
 *
 *   upstream PORT:CHUNKS:TTFT_US:INTERVAL_US [PORT:...]...
 *
 * INTERVAL_US = 0: all chunks are written at once; else one write a chunk, paced. Every streamed delta holds "@T<19 digits>@",
 * CLOCK_MONOTONIC in ns at send time, so that a load generator on the same machine can tell each chunk's added delay.
 * A model name that ends in "-fail503" gets that status. GET /stats tells requests, streams, aborted and connections. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct conn conn;

typedef struct {
    int fd, port, chunks;
    long ttft, iv;
    conn *qh, *qt, *fh, *ft;
} lst;

enum { CHAT, RESP, MSG };

struct conn {
    int fd, isl;
    lst *l;
    char *in;
    size_t ilen, icap;
    char *out;
    size_t olen, ooff, ocap;
    /* request parse */
    int streaming, kind, next, want_close;
    long long due;
    conn *nx;
    int queued, dead;
    int usage_opt;
};

static int ep;
static long long nreq, nstream, nabort, nconn;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void need(char **b, size_t *cap, size_t n) {
    if (n > *cap) {
        size_t c = *cap ? *cap : 8192;
        while (c < n)
            c *= 2;
        *b = realloc(*b, c);
        *cap = c;
    }
}

static void put(conn *c, const char *s, size_t n) {
    need(&c->out, &c->ocap, c->olen + n);
    memcpy(c->out + c->olen, s, n);
    c->olen += n;
}

static void chunk(conn *c, const char *s, size_t n) {
    char h[32];
    int k = snprintf(h, 32, "%zx\r\n", n);
    put(c, h, k);
    put(c, s, n);
    put(c, "\r\n", 2);
}

static void ev(lst *l, int fd, void *p, int e, int op) {
    struct epoll_event x = {.events = e, .data.ptr = p};
    (void)l;
    epoll_ctl(ep, op, fd, &x);
}

static void flush(conn *c) {
    while (c->ooff < c->olen) {
        ssize_t r = send(c->fd, c->out + c->ooff, c->olen - c->ooff, MSG_NOSIGNAL);
        if (r < 0) {
            if (errno == EAGAIN) {
                ev(0, c->fd, c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
                return;
            }
            c->dead = 1;
            return;
        }
        c->ooff += r;
    }
    if (c->ooff) {
        c->olen = c->ooff = 0;
    }
}

static char pad[1200];

static void sse(conn *c, const char *name, const char *json) {
    static char b[4096];
    int k;
    if (name)
        k = snprintf(b, 4096, "event: %s\ndata: %s\n\n", name, json);
    else
        k = snprintf(b, 4096, "data: %s\n\n", json);
    chunk(c, b, k);
}

/* emit event number i of a stream; returns 0 when this was the last */
static int emit(conn *c, int i) {
    static char b[4096];
    int N = c->l->chunks;
    long long t = now();
    if (c->kind == CHAT) {
        const char *P =
            "{\"id\":\"chatcmpl-BmockA1b2C3d4E5f6\",\"object\":\"chat.completion.chunk\",\"created\":1763725000,\"model\":\"mock-upstream-1\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"";
        if (i == 0) {
            snprintf(
                b, 4096,
                "%s,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}",
                P);
            sse(c, 0, b);
            return 1;
        }
        if (i <= N) {
            snprintf(
                b, 4096,
                "%s,\"choices\":[{\"index\":0,\"delta\":{\"content\":\" @T%019lld@\"},\"logprobs\":null,\"finish_reason\":null}]}",
                P, t);
            sse(c, 0, b);
            return 1;
        }
        if (i == N + 1) {
            snprintf(b, 4096,
                     "%s,\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}", P);
            sse(c, 0, b);
            return 1;
        }
        if (i == N + 2) {
            snprintf(
                b, 4096,
                "%s,\"choices\":[],\"usage\":{\"prompt_tokens\":1200,\"completion_tokens\":%d,\"total_tokens\":%d,\"prompt_tokens_details\":{\"cached_tokens\":1024},\"completion_tokens_details\":{\"reasoning_tokens\":0}}}",
                P, N, 1200 + N);
            sse(c, 0, b);
            return 1;
        }
        chunk(c, "data: [DONE]\n\n", 14);
        put(c, "0\r\n\r\n", 5);
        return 0;
    }
    if (c->kind == RESP) {
        const char *R =
            "\"id\":\"resp_0123456789abcdef\",\"object\":\"response\",\"created_at\":1763725000,\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"max_output_tokens\":null,\"model\":\"mock-upstream-1\",\"parallel_tool_calls\":true,\"previous_response_id\":null,\"reasoning\":{\"effort\":null,\"summary\":null},\"store\":false,\"temperature\":1.0,\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"truncation\":\"disabled\",\"user\":null,\"metadata\":{}";
        if (i == 0) {
            snprintf(
                b, 4096,
                "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{%s,\"status\":\"in_progress\",\"output\":[],\"usage\":null}}",
                R);
            sse(c, "response.created", b);
            return 1;
        }
        if (i == 1) {
            snprintf(
                b, 4096,
                "{\"type\":\"response.in_progress\",\"sequence_number\":1,\"response\":{%s,\"status\":\"in_progress\",\"output\":[],\"usage\":null}}",
                R);
            sse(c, "response.in_progress", b);
            return 1;
        }
        if (i == 2) {
            sse(c, "response.output_item.added",
                "{\"type\":\"response.output_item.added\",\"sequence_number\":2,\"output_index\":0,\"item\":{\"id\":\"msg_01\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}");
            return 1;
        }
        if (i == 3) {
            sse(c, "response.content_part.added",
                "{\"type\":\"response.content_part.added\",\"sequence_number\":3,\"item_id\":\"msg_01\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}");
            return 1;
        }
        if (i <= N + 3) {
            snprintf(
                b, 4096,
                "{\"type\":\"response.output_text.delta\",\"sequence_number\":%d,\"item_id\":\"msg_01\",\"output_index\":0,\"content_index\":0,\"delta\":\" @T%019lld@\",\"logprobs\":[]}",
                i, t);
            sse(c, "response.output_text.delta", b);
            return 1;
        }
        if (i == N + 4) {
            sse(c, "response.output_text.done",
                "{\"type\":\"response.output_text.done\",\"sequence_number\":900,\"item_id\":\"msg_01\",\"output_index\":0,\"content_index\":0,\"text\":\"done text\",\"logprobs\":[]}");
            return 1;
        }
        if (i == N + 5) {
            sse(c, "response.content_part.done",
                "{\"type\":\"response.content_part.done\",\"sequence_number\":901,\"item_id\":\"msg_01\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"done text\",\"annotations\":[]}}");
            return 1;
        }
        if (i == N + 6) {
            sse(c, "response.output_item.done",
                "{\"type\":\"response.output_item.done\",\"sequence_number\":902,\"output_index\":0,\"item\":{\"id\":\"msg_01\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"done text\",\"annotations\":[]}]}}");
            return 1;
        }
        snprintf(
            b, 4096,
            "{\"type\":\"response.completed\",\"sequence_number\":903,\"response\":{%s,\"status\":\"completed\",\"output\":[{\"id\":\"msg_01\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"done text\",\"annotations\":[]}]}],\"usage\":{\"input_tokens\":1200,\"input_tokens_details\":{\"cached_tokens\":1024},\"output_tokens\":%d,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":%d}}}",
            R, N, 1200 + N);
        sse(c, "response.completed", b);
        put(c, "0\r\n\r\n", 5);
        return 0;
    }
    if (i == 0) {
        sse(c, "message_start",
            "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_0123456789\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock-upstream-1\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":1200,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1024,\"output_tokens\":1}}}");
        return 1;
    }
    if (i == 1) {
        sse(c, "content_block_start",
            "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");
        return 1;
    }
    if (i == 2) {
        sse(c, "ping", "{\"type\":\"ping\"}");
        return 1;
    }
    if (i <= N + 2) {
        snprintf(
            b, 4096,
            "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" @T%019lld@\"}}",
            t);
        sse(c, "content_block_delta", b);
        return 1;
    }
    if (i == N + 3) {
        sse(c, "content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}");
        return 1;
    }
    if (i == N + 4) {
        snprintf(
            b, 4096,
            "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%d}}",
            N);
        sse(c, "message_delta", b);
        return 1;
    }
    sse(c, "message_stop", "{\"type\":\"message_stop\"}");
    put(c, "0\r\n\r\n", 5);
    return 0;
}

static void qpush(lst *l, conn *c, int first) {
    c->nx = 0;
    c->queued = 1;
    conn **h = first ? &l->fh : &l->qh, **t = first ? &l->ft : &l->qt;
    if (*t)
        (*t)->nx = c;
    else
        *h = c;
    *t = c;
}

static void respond_json(conn *c, int st, const char *body, size_t n) {
    char h[256];
    int k = snprintf(
        h, 256,
        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nx-request-id: req_mock_01\r\nContent-Length: %zu\r\n\r\n",
        st, st == 200 ? "OK" : "Err", n);
    put(c, h, k);
    put(c, body, n);
}

static char jb[3][2048];
static int jn[3];

static void init_json(void) {
    memset(pad, 0, sizeof pad);
    const char *w = "The quick brown fox jumps over the lazy dog. ";
    while (strlen(pad) < 560)
        strcat(pad, w);
    jn[CHAT] = snprintf(
        jb[CHAT], 2048,
        "{\"id\":\"chatcmpl-BmockA1b2C3d4E5f6\",\"object\":\"chat.completion\",\"created\":1763725000,\"model\":\"mock-upstream-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1200,\"completion_tokens\":120,\"total_tokens\":1320,\"prompt_tokens_details\":{\"cached_tokens\":1024,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}",
        pad);
    jn[RESP] = snprintf(
        jb[RESP], 2048,
        "{\"id\":\"resp_0123456789abcdef\",\"object\":\"response\",\"created_at\":1763725000,\"status\":\"completed\",\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"model\":\"mock-upstream-1\",\"output\":[{\"id\":\"msg_01\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"%s\",\"annotations\":[]}]}],\"parallel_tool_calls\":true,\"previous_response_id\":null,\"store\":false,\"temperature\":1.0,\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"truncation\":\"disabled\",\"metadata\":{},\"usage\":{\"input_tokens\":1200,\"input_tokens_details\":{\"cached_tokens\":1024},\"output_tokens\":120,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":1320}}",
        pad);
    jn[MSG] = snprintf(
        jb[MSG], 2048,
        "{\"id\":\"msg_0123456789\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock-upstream-1\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":1200,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1024,\"output_tokens\":120}}",
        pad);
}

static void handle(conn *c, char *head, size_t hn, char *body, size_t bn) {
    nreq++;
    if (!memcmp(head, "GET ", 4)) {
        if (!memcmp(head + 4, "/stats", 6)) {
            char b[200];
            int k = snprintf(b, 200, "{\"requests\":%lld,\"streams\":%lld,\"aborted\":%lld,\"conns\":%lld}", nreq,
                             nstream, nabort, nconn);
            respond_json(c, 200, b, k);
        } else if (memmem(head, hn, "/models", 7)) {
            const char *m =
                "{\"object\":\"list\",\"data\":[{\"id\":\"mock-upstream-1\",\"object\":\"model\",\"created\":1763725000,\"owned_by\":\"mock\"}]}";
            respond_json(c, 200, m, strlen(m));
        } else
            respond_json(c, 200, "{\"ok\":true}", 11);
        return;
    }
    char *sp = memchr(head, '\r', hn);
    size_t l0 = sp ? sp - head : hn;
    c->kind = memmem(head, l0, "/responses", 10) ? RESP : memmem(head, l0, "/messages", 9) ? MSG : CHAT;
    char *f = memmem(body, bn, "fail", 4);
    if (f && f > body && f[-1] == '-') {
        int st = atoi(f + 4);
        if (st >= 400 && st < 600) {
            const char *m =
                "{\"error\":{\"message\":\"mock failure\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";
            respond_json(c, st, m, strlen(m));
            return;
        }
    }
    int st = memmem(body, bn, "\"stream\":true", 13) || memmem(body, bn, "\"stream\": true", 14);
    if (!st) {
        respond_json(c, 200, jb[c->kind], jn[c->kind]);
        return;
    }
    nstream++;
    const char *h =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nx-request-id: req_mock_01\r\nTransfer-Encoding: chunked\r\n\r\n";
    put(c, h, strlen(h));
    c->next = 0;
    if (c->l->iv == 0 && c->l->ttft == 0) {
        while (emit(c, c->next++))
            ;
        return;
    }
    c->streaming = 1;
    flush(c);
    c->due = now() + c->l->ttft * 1000LL;
    qpush(c->l, c, 1);
}

/* parse as many whole requests as are buffered */
static void parse(conn *c) {
    while (!c->streaming && c->ilen) {
        char *e = memmem(c->in, c->ilen, "\r\n\r\n", 4);
        if (!e) return;
        size_t hn = e - c->in + 4;
        char sv = *e;
        *e = 0;
        char *cl = strcasestr(c->in, "\r\ncontent-length:");
        char *te = strcasestr(c->in, "\r\ntransfer-encoding:");
        char *ex = strcasestr(c->in, "\r\nexpect:");
        *e = sv;
        size_t total;
        char *body = c->in + hn;
        size_t bn;
        if (ex && c->ilen == hn) {
            (void)!send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
        }
        if (te) { /* dechunk in place once the end has come */
            size_t p = hn, w = hn;
            int done = 0;
            /* first check completeness */
            while (1) {
                char *q = memmem(c->in + p, c->ilen - p, "\r\n", 2);
                if (!q) return;
                size_t n = strtoul(c->in + p, 0, 16);
                size_t st = q - c->in + 2;
                if (c->ilen < st + n + 2) return;
                p = st + n + 2;
                if (n == 0) {
                    done = 1;
                    break;
                }
            }
            if (!done) return;
            total = p;
            p = hn;
            while (1) {
                char *q = memmem(c->in + p, c->ilen - p, "\r\n", 2);
                size_t n = strtoul(c->in + p, 0, 16);
                size_t st = q - c->in + 2;
                if (!n) break;
                memmove(c->in + w, c->in + st, n);
                w += n;
                p = st + n + 2;
            }
            bn = w - hn;
        } else {
            bn = cl ? strtoul(cl + 17, 0, 10) : 0;
            total = hn + bn;
            if (c->ilen < total) return;
        }
        handle(c, c->in, hn, body, bn);
        memmove(c->in, c->in + total, c->ilen - total);
        c->ilen -= total;
    }
    if (!c->streaming) flush(c);
}

static void kill_conn(conn *c) {
    if (c->isl) return;
    if (c->queued) {
        c->dead = 1;
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
    nconn--;
}

static void run_queue(lst *l, int first, long long t) {
    conn **h = first ? &l->fh : &l->qh, **tl = first ? &l->ft : &l->qt;
    while (*h && (*h)->due <= t) {
        conn *c = *h;
        *h = c->nx;
        if (!*h) *tl = 0;
        c->queued = 0;
        if (c->dead) {
            nabort++;
            kill_conn(c);
            continue;
        }
        int more = emit(c, c->next++);
        if (more && l->iv == 0) {
            while (emit(c, c->next++))
                ;
            more = 0;
        }
        flush(c);
        if (more && !c->dead) {
            c->due += l->iv * 1000LL;
            if (c->due < t - 50000000LL) c->due = t;
            qpush(l, c, 0);
        } else if (c->dead) {
            nabort++;
            kill_conn(c);
        } else {
            c->streaming = 0;
            parse(c);
        }
    }
}

int main(int ac, char **av) {
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, 0, _IOLBF, 0);
    init_json();
    ep = epoll_create1(0);
    int nl = ac - 1;
    lst *L = calloc(nl, sizeof *L);
    for (int i = 0; i < nl; i++) {
        lst *l = &L[i];
        l->chunks = 64;
        sscanf(av[i + 1], "%d:%d:%ld:%ld", &l->port, &l->chunks, &l->ttft, &l->iv);
        l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int one = 1;
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, 4);
        struct sockaddr_in a = {
            .sin_family = AF_INET, .sin_port = htons(l->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (bind(l->fd, (void *)&a, sizeof a) || listen(l->fd, 4096)) {
            perror("bind");
            return 1;
        }
        conn *c = calloc(1, sizeof *c);
        c->isl = 1;
        c->fd = l->fd;
        c->l = l;
        ev(l, l->fd, c, EPOLLIN, EPOLL_CTL_ADD);
        printf("upstream on 127.0.0.1:%d chunks=%d ttft=%ldus interval=%ldus\n", l->port, l->chunks, l->ttft, l->iv);
    }
    struct epoll_event E[256];
    while (1) {
        long long t = now(), nd = -1;
        for (int i = 0; i < nl; i++) {
            if (L[i].fh && (nd < 0 || L[i].fh->due < nd)) nd = L[i].fh->due;
            if (L[i].qh && (nd < 0 || L[i].qh->due < nd)) nd = L[i].qh->due;
        }
        struct timespec ts, *pt = 0;
        if (nd >= 0) {
            long long w = nd - t;
            if (w < 0) w = 0;
            ts.tv_sec = w / 1000000000LL;
            ts.tv_nsec = w % 1000000000LL;
            pt = &ts;
        }
        int n = epoll_pwait2(ep, E, 256, pt, 0);
        for (int i = 0; i < n; i++) {
            conn *c = E[i].data.ptr;
            if (c->isl) {
                int fd;
                while ((fd = accept4(c->fd, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    int one = 1;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 4);
                    conn *k = calloc(1, sizeof *k);
                    k->fd = fd;
                    k->l = c->l;
                    nconn++;
                    ev(0, fd, k, EPOLLIN | EPOLLRDHUP, EPOLL_CTL_ADD);
                }
                continue;
            }
            if (E[i].events & EPOLLOUT) {
                flush(c);
                if (!c->olen) ev(0, c->fd, c, EPOLLIN, EPOLL_CTL_MOD);
            }
            if (E[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
                need(&c->in, &c->icap, c->ilen + 65536 + 1);
                ssize_t r = recv(c->fd, c->in + c->ilen, c->icap - c->ilen - 1, 0);
                if (r == 0 || (r < 0 && errno != EAGAIN)) {
                    if (c->queued) epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, 0);
                    kill_conn(c);
                    continue;
                }
                if (r > 0) {
                    c->ilen += r;
                    parse(c);
                }
            }
        }
        t = now();
        for (int i = 0; i < nl; i++) {
            run_queue(&L[i], 1, t);
            run_queue(&L[i], 0, t);
        }
    }
}
