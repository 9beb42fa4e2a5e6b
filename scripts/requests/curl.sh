#!/usr/bin/env bash
# Sends a record by the REST Proxy with curl, and reads it back:
#   scripts/requests/curl.sh patient_admissions [http://127.0.0.1:8082]
# The value is Avro under the subject's registered schema. It comes back as the bytes that Kafka holds:
# the proxy reads key and value in one format, and the key is a plain string.
set -euo pipefail
folder=$(dirname "$0")
topics=$(for file in "$folder"/*.json; do basename "$file" .json; done)
topic=${1:?a topic: ${topics//$'\n'/, }}
proxy=${2:-http://127.0.0.1:8082}
call() { curl --fail-with-body --silent --show-error "$@"; echo; }
json='Content-Type: application/vnd.kafka.v2+json'

cluster=$(call "$proxy/v3/clusters" | sed 's/.*"cluster_id" *: *"\([^"]*\)".*/\1/')
sent=$(call "$proxy/v3/clusters/$cluster/topics/$topic/records" -H 'Content-Type: application/json' \
  --data @"$folder/$topic.json")
echo "$sent"
# HTTP says 200 for the request; each record has a code of its own.
grep -q '"error_code" *: *200' <<< "$sent"
number() { grep -o "\"$1\" *: *[0-9]*" <<< "$sent" | head -1 | grep -o '[0-9]*$'; }
place="\"topic\":\"$topic\",\"partition\":$(number partition_id)"

# A name of its own: two of these at once, or one that was killed, are no hindrance.
name="curl-$$-$RANDOM"
consumer="$proxy/consumers/curl/instances/$name"
call "$proxy/consumers/curl" -H "$json" --data "{\"name\":\"$name\",\"format\":\"binary\"}"
trap 'call -X DELETE "$consumer" -H "$json"' EXIT
call "$consumer/assignments" -H "$json" --data "{\"partitions\":[{$place}]}"
call "$consumer/positions" -H "$json" --data "{\"offsets\":[{$place,\"offset\":$(number offset)}]}"
for _ in 1 2 3 4 5; do
  found=$(call "$consumer/records?timeout=3000" -H 'Accept: application/vnd.kafka.binary.v2+json')
  # Those that came after it are in the answer, too.
  if grep -oE "\{[^{}]*\"offset\" *: *$(number offset)\b[^{}]*\}" <<< "$found"; then exit; fi
done
echo "error: the record did not come back within 15 s" >&2
exit 1
