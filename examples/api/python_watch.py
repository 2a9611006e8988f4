"""The state of all syncs, for ever: `python python_watch.py ADDRESS`; prints a line of JSON for each message.

Whatever ends the stream (a daemon that restarts says `going_away` before it does), the answer is to call again:
the first message is complete.
"""

import json
import sys
import time

import grpc

from syncapi.v1 import control_pb2, control_pb2_grpc

PAUSE = 0.2


def main(address: str) -> None:
    with grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 1000)]) as channel:
        control = control_pb2_grpc.ControlStub(channel)
        while True:
            try:
                for message in control.WatchSyncs(control_pb2.WatchSyncsRequest(), wait_for_ready=True):
                    told = {
                        "snapshot": message.snapshot,
                        "going_away": message.going_away,
                        "syncs": sorted(sync.name for sync in message.syncs),
                    }
                    print(json.dumps(told), flush=True)
            except grpc.RpcError as error:
                print(error, file=sys.stderr)
            time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
