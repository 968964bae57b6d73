/**
 * @file What coordinators and workers share. A job is a BullMQ job with a recipe. The files of its run are
 * one message of bytes beside it, written before the job is marked as complete and removed by the coordinator
 * once they are on its disk.
 */
import type { Redis } from 'ioredis'
import { version } from '../../util/version.ts'

/**
 * One queue for all sweeps, so that a worker serves whatever comes; of each version its own, as another one
 * may compute something else.
 */
export const QUEUE = `espalier-${version()}`

/** Seconds after which results that no coordinator has taken are dropped. */
export const KEPT = 30 * 24 * 3600

const key = (id: string): string => `${QUEUE}:result:${id}`

export const hasResult = async (redis: Redis, id: string): Promise<boolean> => (await redis.exists(key(id))) === 1

export const takeResult = (redis: Redis, id: string): Promise<Uint8Array | null> => redis.getBuffer(key(id))

export async function putResult(redis: Redis, id: string, message: Uint8Array): Promise<void> {
  await redis.set(key(id), Buffer.from(message.buffer, message.byteOffset, message.byteLength), 'EX', KEPT)
}

export async function dropResult(redis: Redis, id: string): Promise<void> {
  await redis.del(key(id))
}
