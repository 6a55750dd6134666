/*
 * A stand-in for IBM MQ's client library, for tests: the verbs that the ibmmq package calls, over a small queue server on loopback
 * (queue-server.ts). It is no queue manager: what a queue does is decided there; here requests are framed, lost
 * connections become reason codes, and MQGMO_CONVERT converts, as the real library does.
 *
 * A request is: u32 length of what follows, u8 verb, body. A reply: u32 length, i32 CompCode, i32 Reason, body. Numbers and
 * structures are as this machine has them.
 */
#include <errno.h>
#include <iconv.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmqc.h>
#include <cmqxc.h>

enum verb { CONNX = 1, DISC, OPEN, CLOSE, GET, PUT, PUT1, CMIT, BACK, INQ };

#define CONNECTIONS_MAX 64
#define MD_LENGTH MQMD_LENGTH_2
#define NAME_LENGTH MQ_Q_NAME_LENGTH
#define TEXT_LENGTH 256

struct connection {
  int fd; /* 0 while the slot is free, -1 when the connection was lost */
  pthread_mutex_t mutex;
};
static struct connection connections[CONNECTIONS_MAX];
static pthread_mutex_t slots = PTHREAD_MUTEX_INITIALIZER;

struct request {
  unsigned char *data;
  size_t length;
};

static void begin(struct request *request, enum verb verb, size_t body_max) {
  request->data = malloc(5 + body_max);
  request->data[4] = (unsigned char)verb;
  request->length = 5;
}

static void add(struct request *request, const void *data, size_t length) {
  if (length > 0) memcpy(request->data + request->length, data, length);
  request->length += length;
}

static void add_long(struct request *request, MQLONG value) { add(request, &value, sizeof value); }

/* A text of known length, cut or padded with zeros to `width`. */
static void add_text(struct request *request, const void *text, size_t length, size_t width) {
  unsigned char *to = request->data + request->length;
  memset(to, 0, width);
  if (text != NULL) memcpy(to, text, length < width ? length : width);
  request->length += width;
}

static int read_all(int fd, void *into, size_t length) {
  unsigned char *at = into;
  while (length > 0) {
    ssize_t count = read(fd, at, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return -1;
    at += count;
    length -= (size_t)count;
  }
  return 0;
}

static int write_all(int fd, const void *from, size_t length) {
  const unsigned char *at = from;
  while (length > 0) {
    ssize_t count = send(fd, at, length, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return -1;
    at += count;
    length -= (size_t)count;
  }
  return 0;
}

static unsigned char *refuse(PMQLONG cc, PMQLONG rc, MQLONG reason) {
  *cc = MQCC_FAILED;
  *rc = reason;
  return NULL;
}

/* Sends the request and waits for its reply, whose body is the caller's to free; NULL if there is none. */
static unsigned char *exchange(int fd, struct request *request, PMQLONG cc, PMQLONG rc, size_t *length) {
  MQLONG head[3];
  unsigned int size = (unsigned int)(request->length - 4);
  memcpy(request->data, &size, 4);
  int sent = write_all(fd, request->data, request->length);
  free(request->data);
  if (sent < 0 || read_all(fd, head, sizeof head) < 0) return refuse(cc, rc, MQRC_CONNECTION_BROKEN);
  *length = (size_t)head[0] - 8;
  unsigned char *body = malloc(*length + 1);
  if (read_all(fd, body, *length) < 0) {
    free(body);
    return refuse(cc, rc, MQRC_CONNECTION_BROKEN);
  }
  *cc = head[1];
  *rc = head[2];
  return body;
}

/* The same on a connection; one that was lost answers 2009 until it is given up. */
static unsigned char *call(MQHCONN hconn, struct request *request, PMQLONG cc, PMQLONG rc, size_t *length) {
  if (hconn < 1 || hconn > CONNECTIONS_MAX || connections[hconn - 1].fd == 0) {
    free(request->data);
    return refuse(cc, rc, MQRC_HCONN_ERROR);
  }
  struct connection *connection = &connections[hconn - 1];
  pthread_mutex_lock(&connection->mutex);
  unsigned char *body = NULL;
  if (connection->fd < 0) {
    free(request->data);
    refuse(cc, rc, MQRC_CONNECTION_BROKEN);
  } else {
    body = exchange(connection->fd, request, cc, rc, length);
    if (body == NULL) {
      close(connection->fd);
      connection->fd = -1;
    }
  }
  pthread_mutex_unlock(&connection->mutex);
  return body;
}

static void call_plainly(MQHCONN hconn, struct request *request, PMQLONG cc, PMQLONG rc) {
  size_t length;
  free(call(hconn, request, cc, rc, &length));
}

/* `host(port)`; -1 if nobody listens there. Only loopback: the host is not looked up. */
static int dial(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    close(fd);
    return -1;
  }
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/* The addresses of a name list, or of a JSON CCDT, one after the other. */
static int dial_any(char *names, const char *before_port) {
  for (char *at = strstr(names, before_port); at != NULL; at = strstr(at + 1, before_port)) {
    int fd = dial(at + strlen(before_port));
    if (fd >= 0) return fd;
  }
  return -1;
}

static int dial_ccdt(const char *url, size_t url_length) {
  char path[1024] = {0}, text[16384] = {0};
  memcpy(path, url, url_length < sizeof path - 1 ? url_length : sizeof path - 1);
  FILE *file = fopen(strncmp(path, "file://", 7) == 0 ? path + 7 : path, "r");
  if (file == NULL) return -1;
  size_t count = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[count] = 0;
  return dial_any(text, "\"port\":");
}

static int dial_options(PMQCNO cno) {
  if (cno != NULL && cno->Version >= MQCNO_VERSION_6 && cno->CCDTUrlPtr != NULL)
    return dial_ccdt(cno->CCDTUrlPtr, (size_t)cno->CCDTUrlLength);
  if (cno == NULL || cno->Version < MQCNO_VERSION_2 || cno->ClientConnPtr == NULL) return -1;
  char names[MQ_CONN_NAME_LENGTH + 1] = {0};
  memcpy(names, ((PMQCD)cno->ClientConnPtr)->ConnectionName, MQ_CONN_NAME_LENGTH);
  return dial_any(names, "(");
}

static MQHCONN take_slot(int fd) {
  MQHCONN hconn = MQHC_UNUSABLE_HCONN;
  pthread_mutex_lock(&slots);
  for (int index = 0; index < CONNECTIONS_MAX && hconn == MQHC_UNUSABLE_HCONN; index += 1) {
    if (connections[index].fd != 0) continue;
    connections[index].fd = fd;
    pthread_mutex_init(&connections[index].mutex, NULL);
    hconn = index + 1;
  }
  pthread_mutex_unlock(&slots);
  return hconn;
}

void MQCONNX(PMQCHAR name, PMQCNO cno, PMQHCONN hconn, PMQLONG cc, PMQLONG rc) {
  *hconn = MQHC_UNUSABLE_HCONN;
  int fd = dial_options(cno);
  if (fd < 0) {
    refuse(cc, rc, MQRC_HOST_NOT_AVAILABLE);
    return;
  }
  PMQCD cd = cno->Version >= MQCNO_VERSION_2 ? cno->ClientConnPtr : NULL;
  PMQSCO sco = cno->Version >= MQCNO_VERSION_4 ? cno->SSLConfigPtr : NULL;
  PMQCSP csp = cno->Version >= MQCNO_VERSION_5 ? cno->SecurityParmsPtr : NULL;
  struct request request;
  begin(&request, CONNX, 8 * TEXT_LENGTH);
  add_text(&request, name, strnlen(name, MQ_Q_MGR_NAME_LENGTH), TEXT_LENGTH);
  add_text(&request, cd ? cd->ChannelName : NULL, MQ_CHANNEL_NAME_LENGTH, TEXT_LENGTH);
  add_text(&request, csp ? csp->CSPUserIdPtr : NULL, csp ? (size_t)csp->CSPUserIdLength : 0, TEXT_LENGTH);
  add_text(&request, csp ? csp->CSPPasswordPtr : NULL, csp ? (size_t)csp->CSPPasswordLength : 0, TEXT_LENGTH);
  add_text(&request, cd ? cd->SSLCipherSpec : NULL, MQ_SSL_CIPHER_SPEC_LENGTH, TEXT_LENGTH);
  add_text(&request, sco ? sco->KeyRepository : NULL, MQ_SSL_KEY_REPOSITORY_LENGTH, TEXT_LENGTH);
  add_text(&request, cno->Version >= MQCNO_VERSION_7 ? cno->ApplName : NULL, MQ_APPL_NAME_LENGTH, TEXT_LENGTH);
  size_t length;
  free(exchange(fd, &request, cc, rc, &length));
  if (*cc != MQCC_FAILED && (*hconn = take_slot(fd)) == MQHC_UNUSABLE_HCONN)
    refuse(cc, rc, MQRC_MAX_CONNS_LIMIT_REACHED);
  if (*cc == MQCC_FAILED) close(fd);
}

void MQDISC(PMQHCONN hconn, PMQLONG cc, PMQLONG rc) {
  struct request request;
  begin(&request, DISC, 0);
  call_plainly(*hconn, &request, cc, rc);
  if (*rc == MQRC_HCONN_ERROR) return;
  struct connection *connection = &connections[*hconn - 1];
  if (connection->fd > 0) close(connection->fd);
  connection->fd = 0;
  *hconn = MQHC_UNUSABLE_HCONN;
}

void MQOPEN(MQHCONN hconn, PMQVOID object, MQLONG options, PMQHOBJ hobj, PMQLONG cc, PMQLONG rc) {
  PMQOD od = object;
  struct request request;
  size_t length;
  begin(&request, OPEN, NAME_LENGTH + 8);
  add(&request, od->ObjectName, NAME_LENGTH);
  add_long(&request, od->ObjectType);
  add_long(&request, options);
  unsigned char *body = call(hconn, &request, cc, rc, &length);
  *hobj = MQHO_UNUSABLE_HOBJ;
  if (body != NULL && *cc != MQCC_FAILED) memcpy(hobj, body, sizeof *hobj);
  free(body);
}

void MQCLOSE(MQHCONN hconn, PMQHOBJ hobj, MQLONG options, PMQLONG cc, PMQLONG rc) {
  struct request request;
  begin(&request, CLOSE, 8);
  add_long(&request, *hobj);
  add_long(&request, options);
  call_plainly(hconn, &request, cc, rc);
  *hobj = MQHO_UNUSABLE_HOBJ;
}

/* What iconv calls a CCSID; NULL for those that the stand-in does not convert. */
static const char *encoding_of(MQLONG ccsid) {
  switch (ccsid) {
  case 1208: return "UTF-8";
  case 1200: return "UTF-16BE";
  case 949: return "UHC";
  case 970: return "EUC-KR";
  case 933: return "IBM933";
  case 819: return "ISO-8859-1";
  default: return NULL;
  }
}

/* Converts the buffer in place from one CCSID to the other; the new length, or -1 with the reason. */
static MQLONG convert(MQLONG from, MQLONG to, unsigned char *data, MQLONG length, MQLONG max, PMQLONG reason) {
  if (encoding_of(from) == NULL) return *reason = MQRC_SOURCE_CCSID_ERROR, -1;
  if (encoding_of(to) == NULL) return *reason = MQRC_TARGET_CCSID_ERROR, -1;
  iconv_t converter = iconv_open(encoding_of(to), encoding_of(from));
  if (converter == (iconv_t)-1) return *reason = MQRC_NOT_CONVERTED, -1;
  size_t room = (size_t)length * 4 + 16, left = room, rest = (size_t)length;
  char *in = (char *)data, *out = malloc(room), *at = out;
  size_t result = iconv(converter, &in, &rest, &at, &left);
  iconv_close(converter);
  MQLONG converted = (MQLONG)(room - left);
  *reason = result == (size_t)-1 ? MQRC_NOT_CONVERTED : converted > max ? MQRC_CONVERTED_MSG_TOO_BIG : MQRC_NONE;
  if (*reason == MQRC_NONE) memcpy(data, out, (size_t)converted);
  free(out);
  return *reason == MQRC_NONE ? converted : -1;
}

/* The text behind an RFH2 header is described by the header, the header itself by the MQMD. */
static MQLONG convert_message(PMQMD md, MQLONG wanted, unsigned char *data, MQLONG length, MQLONG max, PMQLONG rc) {
  MQLONG header = 0, *ccsid = &md->CodedCharSetId;
  char *format = md->Format;
  if (memcmp(format, MQFMT_RF_HEADER_2, MQ_FORMAT_LENGTH) == 0 && length >= MQRFH_STRUC_LENGTH_FIXED_2) {
    MQRFH2 *rfh = (MQRFH2 *)data;
    /* Written by a machine of the other byte order: left as it is, which the real library would turn. */
    if (rfh->StrucLength > length || rfh->StrucLength < 0) return *rc = MQRC_FORMAT_ERROR, -1;
    header = rfh->StrucLength;
    ccsid = &rfh->CodedCharSetId;
    format = rfh->Format;
  }
  if (memcmp(format, MQFMT_STRING, MQ_FORMAT_LENGTH) != 0) return *rc = MQRC_FORMAT_ERROR, -1;
  if (*ccsid == wanted || *ccsid == MQCCSI_INHERIT) return length;
  MQLONG body = convert(*ccsid, wanted, data + header, length - header, max - header, rc);
  if (body < 0) return -1;
  *ccsid = wanted;
  return header + body;
}

static void convert_got(PMQMD md, MQLONG wanted, unsigned char *data, MQLONG max, PMQLONG length, PMQLONG cc, PMQLONG rc) {
  MQLONG reason = MQRC_NONE;
  if (memcmp(md->Format, MQFMT_NONE, MQ_FORMAT_LENGTH) == 0 || *length == 0) return;
  MQLONG converted = convert_message(md, wanted, data, *length, max, &reason);
  if (converted >= 0) {
    *length = converted;
  } else {
    *cc = MQCC_WARNING;
    *rc = reason;
  }
}

void MQGET(MQHCONN hconn, MQHOBJ hobj, PMQVOID md_, PMQVOID gmo_, MQLONG max, PMQVOID data, PMQLONG length, PMQLONG cc,
           PMQLONG rc) {
  PMQMD md = md_;
  PMQGMO gmo = gmo_;
  MQLONG wanted = md->CodedCharSetId == MQCCSI_Q_MGR ? 1208 : md->CodedCharSetId;
  struct request request;
  size_t size;
  begin(&request, GET, 20 + MD_LENGTH);
  add_long(&request, hobj);
  add_long(&request, gmo->Options);
  add_long(&request, gmo->WaitInterval);
  add_long(&request, gmo->MatchOptions);
  add_long(&request, max);
  add(&request, md, MD_LENGTH);
  unsigned char *body = call(hconn, &request, cc, rc, &size);
  if (body == NULL || size < MD_LENGTH + 4) {
    free(body);
    return;
  }
  memcpy(md, body, MD_LENGTH);
  memcpy(length, body + MD_LENGTH, 4);
  memcpy(data, body + MD_LENGTH + 4, size - MD_LENGTH - 4);
  free(body);
  if (*cc == MQCC_OK && (gmo->Options & MQGMO_CONVERT)) convert_got(md, wanted, data, max, length, cc, rc);
  gmo->ReturnedLength = *length < max ? *length : max;
}

static void put(MQHCONN hconn, struct request *request, PMQMD md, MQLONG length, PMQVOID data, PMQLONG cc, PMQLONG rc) {
  size_t size;
  add(request, md, MD_LENGTH);
  add(request, data, (size_t)length);
  unsigned char *body = call(hconn, request, cc, rc, &size);
  if (body != NULL && *cc != MQCC_FAILED) memcpy(md, body, MD_LENGTH);
  free(body);
}

void MQPUT(MQHCONN hconn, MQHOBJ hobj, PMQVOID md, PMQVOID pmo, MQLONG length, PMQVOID data, PMQLONG cc, PMQLONG rc) {
  struct request request;
  begin(&request, PUT, 8 + MD_LENGTH + (size_t)length);
  add_long(&request, hobj);
  add_long(&request, ((PMQPMO)pmo)->Options);
  put(hconn, &request, md, length, data, cc, rc);
}

void MQPUT1(MQHCONN hconn, PMQVOID od, PMQVOID md, PMQVOID pmo, MQLONG length, PMQVOID data, PMQLONG cc, PMQLONG rc) {
  struct request request;
  begin(&request, PUT1, NAME_LENGTH + 4 + MD_LENGTH + (size_t)length);
  add(&request, ((PMQOD)od)->ObjectName, NAME_LENGTH);
  add_long(&request, ((PMQPMO)pmo)->Options);
  put(hconn, &request, md, length, data, cc, rc);
}

void MQCMIT(MQHCONN hconn, PMQLONG cc, PMQLONG rc) {
  struct request request;
  begin(&request, CMIT, 0);
  call_plainly(hconn, &request, cc, rc);
}

void MQBACK(MQHCONN hconn, PMQLONG cc, PMQLONG rc) {
  struct request request;
  begin(&request, BACK, 0);
  call_plainly(hconn, &request, cc, rc);
}

void MQINQ(MQHCONN hconn, MQHOBJ hobj, MQLONG count, PMQLONG selectors, MQLONG numbers_max, PMQLONG numbers, MQLONG characters_max,
           PMQCHAR characters, PMQLONG cc, PMQLONG rc) {
  struct request request;
  size_t size;
  begin(&request, INQ, 8 + 4 * (size_t)count);
  add_long(&request, hobj);
  add_long(&request, count);
  add(&request, selectors, 4 * (size_t)count);
  unsigned char *body = call(hconn, &request, cc, rc, &size);
  MQLONG numbers_length;
  if (body == NULL || *cc == MQCC_FAILED) {
    free(body);
    return;
  }
  memcpy(&numbers_length, body, 4);
  size_t texts = size - 4 - (size_t)numbers_length;
  if (numbers_length > numbers_max * 4 || texts > (size_t)characters_max) {
    refuse(cc, rc, MQRC_CHAR_ATTRS_TOO_SHORT);
  } else {
    memcpy(numbers, body + 4, (size_t)numbers_length);
    memcpy(characters, body + 4 + numbers_length, texts);
  }
  free(body);
}
