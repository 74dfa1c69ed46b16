import { type DigestPlace, newestName } from './place.js'
import { checkLockDays, hiddenIn, NotAllowed, openBucket } from './s3.js'

/**
 * A bucket with an object for each digest.
 *
 * @param url `s3://bucket/prefix`
 * @param lockDays For how long nobody may delete an object, the owner of the account included.
 * @param warn Hears, once, what is not read back.
 */
export async function bucket(
  url: string,
  lockDays: number | undefined,
  warn: (message: string) => void,
): Promise<DigestPlace> {
  if (lockDays !== undefined) checkLockDays(lockDays)
  const opened = await openBucket(url)
  const said = new Set<string>()
  const warnOnce = (message: string) => {
    if (!said.has(message)) warn(message)
    said.add(message)
  }
  return {
    async newest(signer) {
      try {
        const { digests, hidden } = await opened.list()
        if (hidden) warnOnce(hiddenIn(url))
        const newest = newestName(
          digests.map(({ name }) => name),
          signer,
        )
        const found = digests.find(({ name }) => name === newest)
        return found && { name: `${opened.url}${found.name}`, text: await opened.read(found) }
      } catch (error) {
        if (!(error instanceof NotAllowed)) throw error
        warnOnce(
          `What is in ${url} may not be read, so whether the chain leads to the digests there is not checked here. verify-chain does, with a copy of them.`,
        )
        return undefined
      }
    },
    async keep(digest, text) {
      await opened.put(digest, text, lockDays)
      return `${opened.url}${digest}`
    },
  }
}
