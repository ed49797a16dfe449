"""Reads an HTTP archive as strictly as HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) describes it, and says
what an importer would find: a line for each entry. Used by cases: python3 har.py FILE"""
import json
import re
import sys

STRING, NUMBER, ARRAY, OBJECT = str, (int, float), list, dict
ENTRY = {"startedDateTime": STRING, "time": NUMBER, "request": OBJECT, "response": OBJECT, "cache": OBJECT,
         "timings": OBJECT}
REQUEST = {"method": STRING, "url": STRING, "httpVersion": STRING, "cookies": ARRAY, "headers": ARRAY,
           "queryString": ARRAY, "headersSize": NUMBER, "bodySize": NUMBER}
RESPONSE = {"status": NUMBER, "statusText": STRING, "httpVersion": STRING, "cookies": ARRAY, "headers": ARRAY,
            "content": OBJECT, "redirectURL": STRING, "headersSize": NUMBER, "bodySize": NUMBER}
TIMINGS = {"send": NUMBER, "wait": NUMBER, "receive": NUMBER}
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$")


def must(holds, what):
    if not holds:
        sys.exit(f"har: {what}")


def have(value, members, where):
    for name, kind in members.items():
        must(isinstance(value.get(name), kind), f"{where}.{name} is {value.get(name)!r}")


def check_entry(entry, where):
    have(entry, ENTRY, where)
    have(entry["request"], REQUEST, f"{where}.request")
    have(entry["response"], RESPONSE, f"{where}.response")
    have(entry["response"]["content"], {"size": NUMBER, "mimeType": STRING}, f"{where}.response.content")
    have(entry["timings"], TIMINGS, f"{where}.timings")
    must(MOMENT.match(entry["startedDateTime"]), f"{where}.startedDateTime is {entry['startedDateTime']!r}")
    for message in ("request", "response"):
        for pair in entry[message]["headers"] + entry[message].get("queryString", []):
            have(pair, {"name": STRING, "value": STRING}, f"{where}.{message} pair")
    parts = [value for name, value in entry["timings"].items() if name != "ssl" and value != -1]
    must(min(parts) >= 0 and abs(sum(parts) - entry["time"]) < 0.1, f"{where}.time is not the sum of its timings")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        log = json.load(file)["log"]
    must(log["version"] == "1.2", "version")
    have(log["creator"], {"name": STRING, "version": STRING}, "creator")
    for number, entry in enumerate(log["entries"]):
        check_entry(entry, f"entry {number}")
        print(entry["request"]["method"], entry["request"]["url"], entry["response"]["status"],
              entry["response"]["content"]["size"], entry.get("_webSocketMessageCounts", ""))


main()
