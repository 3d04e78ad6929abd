/**
 * The disk of the data folder fills up under a running server: it warns at 90 %, refuses management
 * writes at 95 % while reads go to the spool, refuses what it cannot record, and when there is room
 * again everything completes by itself.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { messageOf } from '../../src/platform/errors.ts'
import { type ClewServer, removeFolder, startClew } from '../conformance/clew-server.ts'
import { newAcknowledged, setUp } from '../soak/callers.ts'
import { complaintsOf, judge } from '../soak/judge.ts'
import { identity, type MixedCall, tagBucket } from '../soak/mixed-calls.ts'
import { openCallClient } from '../soak/signed-call.ts'

const DISK = '64m'
const TRIES = 100
const PAUSE_MS = 100

/** A small file system of its own, or why there is none. */
const mountDisk = (): string | { absent: string } => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-disk-'))
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder]
    execFileSync('mount', options, { stdio: ['ignore', 'ignore', 'pipe'] })
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true })
    return {
      absent: `SKIPPED: only root can mount a small disk: ${messageOf(error).split('\n')[0]}`,
    }
  }
}

const disk = process.platform === 'linux' ? mountDisk() : { absent: 'SKIPPED: tmpfs is for Linux' }
const skip = typeof disk === 'string' ? false : disk.absent
const folder = typeof disk === 'string' ? disk : ''

describe('a disk that fills up', { skip }, () => {
  const acknowledged = newAcknowledged()
  const client = openCallClient(4)
  const filler = join(folder, 'filler')
  let clew: ClewServer
  let turn = 1

  /** Fills the disk to this share; 1: until nothing fits any more. */
  const fill = (share: number): void => {
    const file = openSync(filler, 'a')
    const chunk = Buffer.alloc(64 * 1024)
    try {
      for (;;) {
        const { blocks, bavail } = statfsSync(folder)
        if ((blocks - bavail) / blocks >= share && share < 1) break
        writeSync(file, chunk)
      }
    } catch {
      // ENOSPC: it is full
    } finally {
      closeSync(file)
    }
  }
  const ask = async (call: MixedCall): Promise<number> => {
    const { status, requestId } = await client
      .send(clew, call)
      .catch(() => ({ status: 599, requestId: '' }))
    if (status < 500) acknowledged[call.category].add(requestId)
    return status
  }
  /** Asks until the status comes: the server looks at the disk once a second. */
  const askUntil = async (call: () => MixedCall, status: number): Promise<void> => {
    const seen: number[] = []
    for (let tries = 0; tries < TRIES; tries++) {
      seen.push(await ask(call()))
      if (seen.at(-1) === status) return
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    assert.fail(`never ${status}, but ${[...new Set(seen)].join(', ')}`)
  }
  const write = (): MixedCall => tagBucket(turn++)

  before(async () => {
    clew = await startClew({ data: join(folder, 'data') })
    await setUp(clew, acknowledged)
  })
  after(async () => {
    client[Symbol.dispose]()
    await clew.kill()
    removeFolder(join(folder, 'data'))
    rmSync(filler, { force: true })
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  })

  it('warns at 90 %', async () => {
    fill(0.91)
    for (let tries = 0; tries < TRIES && !clew.log().includes('90 %'); tries++) {
      assert.equal(await ask(write()), 204)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    assert.match(clew.log(), /The journal has used 90 % of its limit or of the disk/)
  })

  it('refuses management writes at 95 % and answers reads', async () => {
    fill(0.96)
    await askUntil(write, 503)
    for (let count = 0; count < 10; count++) assert.equal(await ask(identity), 200)
    assert.equal(await ask(write()), 503)
  })

  it('goes on by itself when there is room again', async () => {
    rmSync(filler)
    await askUntil(write, 204)
    await clew.flush()
  })

  it('answers nothing that it cannot record when the disk is full to the last byte', async () => {
    fill(1)
    await askUntil(write, 503)
    let refused = 0
    for (let count = 0; count < 40; count++) if ((await ask(identity)) >= 500) refused++
    assert.ok(refused > 0, 'the spool is bounded too')
    rmSync(filler)
    await askUntil(() => identity, 200)
    await askUntil(write, 204)
    await clew.flush()
  })

  it('has every acknowledged call once', async () => {
    assert.equal(complaintsOf(await judge(clew, acknowledged)), '')
  })
})
