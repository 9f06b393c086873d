// One script for all verbs, so that it is known to the server or not for all of them, and calls
// keep their order. For each lane there are two keys: its numbers (a sorted set, member and score
// alike) and its mark, a hash:
//
//   m  up to where the set is complete: "inf", or a number after which the ledger must be read
//   f  who is reading the ledger after m, and u until when (server time, ms) that is believed
//
// A mark that is absent means m = 0: nothing is known. That is what a flush, an empty restart, an
// eviction or an expiry leaves behind, and so each of them says itself that it happened. While f
// is set, numbers after m are collected but not handed out, so that none falls between what the
// ledger's reader saw and what was announced since.

/** The verbs of {@link LANE_SCRIPT}; they are its first argument. */
export type Verb = "add" | "take" | "fill" | "filled" | "check";

/**
 * Arguments: the verb, how long a mark lives in ms, the most numbers of a lane, and then for each
 * lane, which is two keys:
 *
 * - add: lostAfter or "", the count, the numbers. Answers nothing.
 * - take: the share and the limit. Answers for each lane: m or "", how many are left, the numbers:
 *   its share, and of what is left of other lanes' shares, up to its limit.
 * - fill: a name for the reader, for how long in ms. Answers m, or "" if there is nothing to do.
 * - filled: the name, "1" if there is more after the last number, the count, the numbers. Answers
 *   how many were added.
 * - check: a number that must be there; if it is missing the lane is noted as lost from there on.
 *   Answers how many were lost.
 */
export const LANE_SCRIPT = `
local verb, ttl, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local at = 3
local function argument() at = at + 1 return ARGV[at] end

local function put(set, most)
  local count = tonumber(argument())
  local first = at + 1
  at = at + count
  while first <= at do
    local pairs_ = {}
    for i = first, math.min(first + 499, at) do
      if most == nil or tonumber(ARGV[i]) <= most then
        pairs_[#pairs_ + 1] = ARGV[i]
        pairs_[#pairs_ + 1] = ARGV[i]
      end
    end
    if #pairs_ > 0 then server.call('ZADD', set, unpack(pairs_)) end
    first = first + 500
  end
  return count
end

local function touch(set, mark)
  server.call('PEXPIRE', mark, ttl)
  server.call('PEXPIRE', set, 2 * ttl)
end

local function lose(set, mark, after)
  server.call('ZREMRANGEBYSCORE', set, '(' .. after, '+inf')
  server.call('HSET', mark, 'm', after)
  server.call('HDEL', mark, 'f', 'u')
end

local function trim(set, mark)
  if server.call('ZCARD', set) <= window then return end
  local last = server.call('ZRANGE', set, window - 1, window - 1)[1]
  lose(set, mark, last)
end

local function now()
  local time = server.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local verbs = {}

function verbs.add(set, mark, known, complete)
  local lost = argument()
  if lost ~= '' and (complete or tonumber(lost) < tonumber(known)) then
    lose(set, mark, lost)
    known, complete = lost, false
  end
  if complete then
    put(set)
    trim(set, mark)
  elseif server.call('HEXISTS', mark, 'f') == 1 then
    put(set)
    if server.call('ZCARD', set) > 2 * window then lose(set, mark, known) end
  else
    put(set, tonumber(known))
  end
  touch(set, mark)
  return nil
end

local function pop(set, known, complete, count)
  local seqs = {}
  if complete then
    local popped = server.call('ZPOPMIN', set, count)
    for i = 1, #popped, 2 do seqs[#seqs + 1] = popped[i] end
  else
    seqs = server.call('ZRANGE', set, '-inf', known, 'BYSCORE', 'LIMIT', 0, count)
    if #seqs > 0 then server.call('ZREM', set, unpack(seqs)) end
  end
  return seqs
end

local spare, limits = 0, {}

function verbs.take(set, mark, known, complete)
  local share, limit = tonumber(argument()), tonumber(argument())
  local seqs = pop(set, known, complete, share)
  spare = spare + share - #seqs
  limits[#limits + 1] = limit
  local left = server.call('ZCOUNT', set, '-inf', complete and '+inf' or known)
  touch(set, mark)
  return {complete and '' or known, left, unpack(seqs)}
end

local function takeMore(answers)
  for i, answer in ipairs(answers) do
    local count = math.min(spare, limits[i] - (#answer - 2), answer[2])
    if count > 0 then
      local known = answer[1]
      for _, seq in ipairs(pop(KEYS[2 * i - 1], known, known == '', count)) do
        answer[#answer + 1] = seq
      end
      answer[2] = answer[2] - count
      spare = spare - count
    end
  end
end

function verbs.fill(set, mark, known, complete)
  local name, patience = argument(), tonumber(argument())
  if complete then return '' end
  local busy = server.call('HGET', mark, 'u')
  if busy and tonumber(busy) > now() then return '' end
  server.call('ZREMRANGEBYSCORE', set, '(' .. known, '+inf')
  server.call('HSET', mark, 'f', name, 'u', string.format('%.0f', now() + patience))
  touch(set, mark)
  return known
end

function verbs.filled(set, mark, known, complete)
  local name, more = argument(), argument()
  if complete or server.call('HGET', mark, 'f') ~= name then return 0 end
  local count = put(set)
  server.call('HDEL', mark, 'f', 'u')
  if more == '1' then
    lose(set, mark, ARGV[at])
  else
    server.call('HSET', mark, 'm', 'inf')
    trim(set, mark)
  end
  touch(set, mark)
  return count
end

function verbs.check(set, mark, known, complete)
  local seq = argument()
  if not complete and tonumber(seq) > tonumber(known) then return 0 end
  if server.call('ZSCORE', set, seq) then return 0 end
  lose(set, mark, string.format('%.0f', tonumber(seq) - 1))
  touch(set, mark)
  return 1
end

local answers = {}
for i = 1, #KEYS, 2 do
  local known = server.call('HGET', KEYS[i + 1], 'm') or '0'
  local answer = verbs[verb](KEYS[i], KEYS[i + 1], known, known == 'inf')
  if answer ~= nil then answers[#answers + 1] = answer end
end
if verb == 'take' then takeMore(answers) end
return answers
`;
