/** The block device below a folder, as /sys and /proc show it (Linux; elsewhere nothing is known). */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { SystemRoots } from '../finding.ts'

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined // not this system, or not this kind of device
  }
}

/** Linux's makedev: `MAJ:MIN`. */
const deviceName = (device: number): string => {
  const [low, high] = [device % 2 ** 32, Math.floor(device / 2 ** 32)]
  const major = ((low >>> 8) & 0xfff) | (high & 0xfffff000)
  const minor = (low & 0xff) | ((low >>> 12) & 0xffffff00)
  return `${major}:${minor}`
}

export interface Mount {
  readonly point: string
  readonly type: string
  /** `/dev/mapper/home`, or a name for what has no device. */
  readonly source: string
  readonly device: string
}

/** proc(5), mountinfo: id, parent, MAJ:MIN, root, mount point, options, …, `-`, type, source. */
export const mountOf = (folder: string, roots: SystemRoots): Mount | undefined => {
  const mounts = (read(join(roots.proc, 'self', 'mountinfo')) ?? '').split('\n').flatMap((line) => {
    const [place = '', origin = ''] = line.split(' - ')
    const [, , device = '', , point = ''] = place.split(' ')
    const [type = '', source = ''] = origin.split(' ')
    return type === '' ? [] : [{ point: point.replaceAll('\\040', ' '), type, source, device }]
  })
  const holds = ({ point }: Mount): boolean =>
    folder === point || folder.startsWith(point.endsWith(sep) ? point : `${point}${sep}`)
  // The last of equal ones is mounted over the others.
  return mounts.filter(holds).reduce<Mount | undefined>((best, mount) => {
    return best === undefined || mount.point.length >= best.point.length ? mount : best
  }, undefined)
}

/** The folder of the device in /sys; undefined for what is no block device (tmpfs, overlay, btrfs). */
const sysFolder = (folder: string, roots: SystemRoots): string | undefined => {
  const names = [deviceName(statSync(folder).dev)]
  const source = mountOf(folder, roots)?.source ?? ''
  // btrfs gives its subvolumes numbers of their own: the mounted device is asked then.
  const device = source.startsWith('/dev/')
    ? statSync(source, { throwIfNoEntry: false })
    : undefined
  if (device?.isBlockDevice() === true) names.push(deviceName(device.rdev))
  for (const name of names) {
    try {
      return realpathSync(join(roots.sys, 'dev', 'block', name))
    } catch {
      // not a block device of this system: the next name
    }
  }
  return undefined
}

/** Disks of a virtual machine call themselves rotational, whatever is behind them. */
const isVirtual = (device: string): boolean => /\/(virtio\d+|vbd-\d+)\//.test(device)

/** Whether the disk turns; undefined where the system does not say. */
export const isRotational = (folder: string, roots: SystemRoots): boolean | undefined => {
  const device = sysFolder(folder, roots)
  if (device === undefined || isVirtual(device)) return undefined
  // A partition's queue is that of its disk, one folder up.
  const text =
    read(join(device, 'queue', 'rotational')) ?? read(join(device, '..', 'queue', 'rotational'))
  return text === undefined ? undefined : text === '1'
}

const isCrypt = (device: string, depth = 0): boolean => {
  if (read(join(device, 'dm', 'uuid'))?.startsWith('CRYPT-') === true) return true
  if (depth > 8) return false
  try {
    // LVM on LUKS: the encrypted device is below.
    return readdirSync(join(device, 'slaves')).some((name) =>
      isCrypt(realpathSync(join(device, 'slaves', name)), depth + 1),
    )
  } catch {
    return false // nothing below
  }
}

const ENCRYPTING_TYPES: ReadonlySet<string> = new Set([
  'ecryptfs',
  'fuse.gocryptfs',
  'fuse.encfs',
  'fuse.cryfs',
])

/** `unknown`: there is no block device to ask. fscrypt and ZFS do not show from outside. */
export const encryptionOf = (
  folder: string,
  roots: SystemRoots,
): 'encrypted' | 'plain' | 'unknown' => {
  if (ENCRYPTING_TYPES.has(mountOf(folder, roots)?.type ?? '')) return 'encrypted'
  const device = sysFolder(folder, roots)
  if (device === undefined) return 'unknown'
  return isCrypt(device) ? 'encrypted' : 'plain'
}
