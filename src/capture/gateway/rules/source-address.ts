import { BlockList, isIP } from 'node:net'

/** `::ffff:192.0.2.1` is how a dual-stack socket shows an IPv4 peer. */
const plain = (address: string): string =>
  address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address

/**
 * The sourceIPAddress of a call. `X-Forwarded-For` counts only as far as it was written by the
 * given proxies (addresses or CIDR blocks): anybody else can write what he likes there. Throws
 * where a block is none.
 */
export const createSourceAddress = (
  trustedProxies: readonly string[],
): ((peer: string | undefined, forwardedFor: string | undefined) => string) => {
  const trusted = new BlockList()
  for (const block of trustedProxies) {
    const [address = '', bits] = block.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  const isTrusted = (address: string): boolean =>
    isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return (peer, forwardedFor) => {
    let address = plain(peer ?? '')
    if (forwardedFor === undefined || trustedProxies.length === 0) return address
    const hops = forwardedFor.split(',').map((hop) => plain(hop.trim()))
    while (isTrusted(address)) {
      const hop = hops.pop()
      if (hop === undefined || isIP(hop) === 0) break
      address = hop
    }
    return address
  }
}
