#!/usr/bin/env bash
# One Apache Kafka node (KRaft) on this machine's Java: for tests, benchmarks and machines without Docker.
#
#   kafka.sh check     say whether Java and Maven are here (exit code 1 and one line if not)
#   kafka.sh start     bring the jars if needed, start the node, wait until it answers, print its address
#   kafka.sh url       print the address of the running node as MAINSTAY_EVENT_LOG_URL takes it
#   kafka.sh stop      stop it cleanly
#   kafka.sh kill      stop it like a power cut (SIGKILL)
#   kafka.sh wipe      stop it and delete its data and ports
#
# State: $MAINSTAY_HOME/kafka (default: .mainstay/kafka in the project). MAINSTAY_KAFKA_NODE names the node (default:
# main); nodes of other names have their own data and ports and share the jars. Ports are free ones, chosen at the first
# start and kept until `wipe`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${MAINSTAY_HOME:-$here/../../.mainstay}
mkdir -p "$home"
home=$(cd "$home" && pwd)/kafka
node=$home/nodes/${MAINSTAY_KAFKA_NODE:-main}
libs=$home/libs
start_within=120 # seconds; a first start takes about four, on a busy machine ten times that
stop_within=30

fail() {
  echo "kafka: $*" >&2
  exit 1
}

check() {
  command -v java >/dev/null || fail "Java is not installed; Apache Kafka needs Java 17 or newer (Debian: apt install openjdk-17-jre-headless)"
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${version:-0}" -ge 17 ] || fail "Java ${version:-of an unknown version} is installed; Apache Kafka needs Java 17 or newer"
  has_jars || command -v mvn >/dev/null || fail "Maven is not installed; it brings Apache Kafka's jars (Debian: apt install maven)"
  find_python >/dev/null
}

find_python() {
  local python
  for python in "$here/../../.venv/bin/python" python3; do
    command -v "$python" && return
  done
  fail "Python 3 is not installed; it chooses free ports"
}

has_jars() {
  cmp -s "$here/pom.xml" "$libs/pom.xml"
}

bring_jars() {
  has_jars && return
  echo "kafka: bringing Apache Kafka's jars (44 MB, once) …" >&2
  local fresh=$home/libs.$$
  mkdir -p "$fresh"
  mvn --quiet --batch-mode -Dstyle.color=never --file "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$fresh" >"$home/maven.log" 2>&1 ||
    { rm -rf "$fresh"; fail "Maven could not bring the jars: $(grep -m 1 ERROR "$home/maven.log" || echo "see $home/maven.log")"; }
  cp "$here/pom.xml" "$fresh/pom.xml"
  rm -rf "$libs"
  mv "$fresh" "$libs"
}

# The node's process id, if it runs; a pid file that a killed node left behind does not count.
# (-ww: ps cuts lines at $COLUMNS, which may be set without a terminal.)
running() {
  local pid
  pid=$(cat "$node/pid" 2>/dev/null) || return 1
  ps -ww -p "$pid" -o args= 2>/dev/null | grep -qF "$node/server.properties" || return 1
  echo "$pid"
}

configure() {
  [ -f "$node/server.properties" ] && return
  mkdir -p "$node"
  local ports client controller cluster
  ports=$("$(find_python)" -c '
import base64, socket, uuid
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
cluster = base64.urlsafe_b64encode(b"M" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
print(*(s.getsockname()[1] for s in sockets), cluster)')
  read -r client controller cluster <<<"$ports"
  echo "$cluster" >"$node/cluster"
  echo "127.0.0.1:$client" >"$node/address"
  cat >"$node/server.properties.new" <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$client,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$client
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:$controller
log.dirs=$node/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=10000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
PROPERTIES
  mv "$node/server.properties.new" "$node/server.properties"
}

format() {
  [ -f "$node/data/meta.properties" ] && return
  java -cp "$libs/*" -Dlog4j2.configurationFile="$here/log4j2.properties" -Dmainstay.kafka.log="$node/format.log" \
    kafka.tools.StorageTool format --standalone --cluster-id "$(cat "$node/cluster")" --config "$node/server.properties" \
    >"$node/format.out" 2>&1 || fail "the data folder could not be formatted: $(tail -n 1 "$node/format.out")"
}

start() {
  if running >/dev/null; then
    url
    return
  fi
  check
  mkdir -p "$home"
  bring_jars
  configure
  format
  rm -f "$node/kafka.log" # the log of the run before is not needed to say whether this one started
  nohup java -Xms256m -Xmx1g -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -cp "$libs/*" \
    -Dlog4j2.configurationFile="$here/log4j2.properties" -Dmainstay.kafka.log="$node/kafka.log" \
    kafka.Kafka "$node/server.properties" >"$node/kafka.out" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$node/pid"
  for ((tenths = 0; tenths < start_within * 10; tenths++)); do
    if grep -qs "Kafka Server started" "$node/kafka.log"; then
      url
      return
    fi
    kill -0 "$pid" 2>/dev/null || fail "the node did not start: $(cat "$node/kafka.log" "$node/kafka.out" 2>/dev/null | grep -m 1 -E 'ERROR|FATAL|Exception' || echo "see $node/kafka.log")"
    sleep 0.1
  done
  kill -KILL "$pid"
  fail "the node did not answer within $start_within s; see $node/kafka.log"
}

url() {
  running >/dev/null || fail "the node is not running"
  echo "kafka://$(cat "$node/address")"
}

# end SIGNAL: send it, and wait until the process is gone.
end() {
  local pid
  pid=$(running) || return 0
  kill "-$1" "$pid"
  for ((tenths = 0; tenths < stop_within * 10; tenths++)); do
    running >/dev/null || { rm -f "$node/pid"; return 0; }
    sleep 0.1
  done
  kill -KILL "$pid"
  rm -f "$node/pid"
}

case ${1:-} in
  check) check ;;
  start) start ;;
  url) url ;;
  stop) end TERM ;;
  kill) end KILL ;;
  wipe) end KILL; rm -rf "$node" ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
