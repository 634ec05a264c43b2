/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/packet.h"

#include <string.h>

#include "util/crc32.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "heads of packets are little-endian"
#endif

#define HEAD_SIZE sizeof(struct packet_head)
#define CRC_AT __builtin_offsetof(struct packet_head, crc)

void packet_open(struct packet *p, const uint8_t uuid[16], enum packet_holds holds, uint64_t not_before_ns)
{
	memset(&p->head, 0, sizeof(p->head));
	p->head.magic = PACKET_MAGIC;
	memcpy(p->head.uuid, uuid, sizeof(p->head.uuid));
	p->head.holds = holds;
	p->head.minor = RECORDING_MINOR;
	p->size = HEAD_SIZE;
	p->clock_ns = not_before_ns;
}

bool packet_put(struct packet *p, const struct recording_item *item)
{
	if (p->size + CODEC_ITEM_MAX > sizeof(p->bytes))
		return false;
	if (!p->head.items) {
		if (item->time_ns > p->clock_ns)
			p->clock_ns = item->time_ns;
		p->head.begin_ns = p->clock_ns;
	}
	p->size += codec_put(p->bytes + p->size, item, &p->clock_ns);
	p->head.items++;
	return true;
}

bool packet_is_empty(const struct packet *p)
{
	return !p->head.items;
}

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	static const uint8_t zero[sizeof(uint32_t)];
	uint32_t crc = crc32_of(0, bytes, CRC_AT);

	crc = crc32_of(crc, zero, sizeof(zero));
	return crc32_of(crc, bytes + HEAD_SIZE, size - HEAD_SIZE);
}

void packet_close(struct packet *p, uint64_t sequence, uint64_t discarded, int64_t wall_offset_ns)
{
	p->head.end_ns = p->clock_ns;
	p->head.content_bits = p->size * 8;
	p->head.packet_bits = p->size * 8;
	p->head.sequence = sequence;
	p->head.discarded = discarded;
	p->head.wall_offset_ns = wall_offset_ns;
	p->head.crc = checksum(p->bytes, p->size);
}

static bool is_possible(const struct packet_head *head)
{
	return head->magic == PACKET_MAGIC && head->content_bits == head->packet_bits && head->packet_bits % 8 == 0 &&
	       head->packet_bits / 8 >= HEAD_SIZE && head->packet_bits / 8 <= RECORDING_PACKET_CLAIM_MAX &&
	       head->begin_ns <= head->end_ns;
}

enum packet_verdict packet_check_head(const uint8_t *bytes, size_t size, const uint8_t uuid[16], struct packet_head *head)
{
	if (size < HEAD_SIZE)
		return PACKET_NOT_ONE;
	memcpy(head, bytes, HEAD_SIZE);
	if (!is_possible(head))
		return PACKET_NOT_ONE;
	if (head->stream_id || head->stream_instance_id || (uuid && memcmp(head->uuid, uuid, sizeof(head->uuid)) != 0))
		return PACKET_FOREIGN;
	return PACKET_WHOLE;
}

enum packet_verdict packet_check(const uint8_t *bytes, size_t size, const uint8_t uuid[16], struct packet_head *head)
{
	enum packet_verdict verdict = packet_check_head(bytes, size, uuid, head);

	if (verdict == PACKET_NOT_ONE)
		return verdict;
	if (head->packet_bits / 8 > size)
		return PACKET_CUT;
	return checksum(bytes, head->packet_bits / 8) == head->crc ? verdict : PACKET_DAMAGED;
}
