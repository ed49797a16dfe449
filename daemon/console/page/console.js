// The console's page. What comes from the network is put in as text, never as markup; there is nothing here that
// changes the gateway.
"use strict";

const LINES_MAX = 500;          // of the journal that are kept
const SHOWN_MAX = 200;          // of them, at a time
const POLL_SECONDS = 4;
const PLACE = "headgate-token"; // where the token is kept in this browser

const find = id => document.getElementById(id);

// Whoever names a host may choose any characters: those that are not seen, or turn the line around, are shown as such.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function plain(value) {
	if (value === null || value === undefined) return "–";
	const text = String(value).replace(HIDDEN, "\ufffd");
	return text.length > 300 ? text.slice(0, 300) + "…" : text;
}

function make(name, content, className) {
	const element = document.createElement(name);
	if (className) element.className = className;
	if (Array.isArray(content)) element.append(...content);
	else if (content !== undefined) element.textContent = plain(content);
	return element;
}

// Words and figures

const VERDICTS = {
	pass: ["✓", "passed", "good"], inspect: ["◉", "inspected", "watch"], block: ["✕", "blocked", "bad"],
	route: ["→", "routed", "watch"], failed: ["!", "failed", "bad"], open: ["…", "deciding", ""],
};

function verdictOf(line) {
	if (line.verdict === "block") return "block";
	if (line.kind && line.kind !== "fine" && line.kind !== "policy") return "failed";
	return VERDICTS[line.verdict] ? line.verdict : line.verdict ? "route" : "open";
}

function verdict(line) {
	const [sign, word, className] = VERDICTS[verdictOf(line)];
	return make("span", `${sign} ${word}`, `verdict ${className}`);
}

function bytes(count) {
	const units = ["B", "KB", "MB", "GB", "TB"];
	let unit = 0;
	for (; count >= 1000 && unit < 4; unit++) count /= 1000;
	return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

function duration(seconds) {
	if (seconds === undefined || seconds === null) return "–";
	const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
	for (const [place, [unit, length]] of parts.entries()) {
		if (seconds < length && unit !== "s") continue;
		const rest = parts[place + 1];
		const more = rest ? Math.floor(seconds % length / rest[1]) : 0;
		return `${Math.floor(seconds / length)} ${unit}${more ? ` ${more} ${rest[0]}` : ""}`;
	}
}

function count(number) { return Number(number || 0).toLocaleString("en"); }

function clock(seconds) {
	return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}

function address(pair) {
	if (!pair) return null;
	return pair[0].includes(":") ? `[${pair[0]}]:${pair[1]}` : `${pair[0]}:${pair[1]}`;
}

// Asking. The token is kept by this browser and goes along with every question.

let token = localStorage.getItem(PLACE);

class Refused extends Error {}

// Where the gateway has TLS, the token is not shown to whoever reads along.
let exposed = location.protocol === "http:" ? null : false;

async function ask(path, signal) {
	if (exposed === null) exposed = (await fetch("api/status", { cache: "no-store", signal })).status === 403;
	if (exposed) throw new Refused(`Here everybody on the way could read along. Open https://${location.host}/ instead.`);
	const response = await fetch(path, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store", signal });
	if (response.status === 401) throw new Refused("This token is not the gateway's, or not any more.");
	if (!response.ok) throw new Error(`the console says ${response.status}`);
	return response;
}

// Every line of an answer as it comes; the last says how it ended.
async function* lines(path, signal) {
	const reader = (await ask(path, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		const parts = (rest + value).split("\n");
		rest = parts.pop();
		for (const part of parts) yield JSON.parse(part);
	}
}

async function answer(path) {
	const found = [];
	let end = { status: 1, message: "the answer is not complete" };
	for await (const line of lines(path)) {
		if (line.end) end = line;
		else found.push(line);
	}
	found.message = end.status ? end.message || "the gateway says no" : null;
	return found;
}

const question = (path, values) => path + "?" + new URLSearchParams(Object.entries(values).filter(([, value]) => value));

// What is known of the gateway

const known = { status: null, processes: [], rules: [], lists: [], devices: [], connections: [], journal: [], seen: new Set() };

// Tables

function table(id, columns, rows, none) {
	const head = make("tr", columns.map(column => make("th", column.name, column.number ? "number" : "")));
	const body = rows.map(row => make("tr", columns.map(column => {
		const value = column.of(row);
		const cell = make("td", undefined, `${column.number ? "number" : column.text ? "text" : ""} ${value === null || value === undefined ? "none" : ""}`);
		cell.dataset.name = column.name;
		cell.append(value instanceof Node ? value : make("bdi", value));
		return cell;
	})));
	if (!rows.length) {
		const cell = make("td", none, "note");
		cell.colSpan = columns.length;
		body.push(make("tr", [cell]));
	}
	find(id).replaceChildren(make("thead", [head]), make("tbody", body));
}

// A line of the journal or a live connection

function deviceOf(line) {
	const client = line.client;
	return client ? client.device || (client.peername || client.address || ["?"])[0] : null;
}

function hostOf(line) {
	if (line.type === "exchange") return `${line.method || "?"} ${line.authority || ""}${line.path || ""}`;
	return line.host || (line.client && address(line.client.sockname));
}

function matches(line, words, wanted) {
	if (wanted && verdictOf(line) !== wanted) return false;
	const text = [deviceOf(line), line.client && line.client.peername && line.client.peername[0], hostOf(line), line.rule,
		line.reason, line.protocol].join(" ").toLowerCase();
	return words.toLowerCase().split(/\s+/).every(word => text.includes(word));
}

function summary(line) {
	const time = make("time", clock(line.timestamp_start || (line.client && line.client.timestamp_start) || line.time));
	const by = line.type === "exchange" && line.status ? `${line.status} · ${line.rule || ""}` : line.rule;
	return make("summary", [time, verdict(line), make("bdi", deviceOf(line), "device"), make("bdi", hostOf(line), "host"),
		make("bdi", by, "by")]);
}

function sentences(line) {
	const told = [];
	const rule = known.rules.find(each => each.name === line.rule);
	if (line.sentence) told.push(`${line.sentence[0].toUpperCase()}${line.sentence.slice(1)} (${line.reason}).`);
	if (rule && rule.line) told.push(`Rule ${rule.number}, “${rule.name}”, in ${rule.file}:${rule.line}: ${rule.text}`);
	else if (line.rule) told.push(`Rule: ${line.rule}.`);
	if (line.spared) told.push(`Passed although its rule inspects: ${line.spared}.`);
	if (line.shadows && line.shadows.length) told.push(`In shadow, these would have decided: ${line.shadows.join(", ")}.`);
	for (const end of ["client", "server"]) {
		const error = line[end] && line[end].error;
		if (error) told.push(`The ${end}'s side: ${error.sentence}${error.detail ? ` (${error.detail})` : ""}.`);
	}
	if (line.client) told.push(`From ${address(line.client.peername)}${line.client.mac ? ` (${line.client.mac})` : ""} to ` +
		`${address(line.client.sockname)}, ${line.protocol || "unknown"}.`);
	if (line.bytes && line.bytes.to_client !== undefined)
		told.push(`${bytes(line.bytes.from_client)} from the device, ${bytes(line.bytes.to_client)} to it.`);
	return told;
}

// What `headgatectl explain` says of it, now.
async function explain(line, place) {
	const client = line.client;
	if (!client) return;
	try {
		const told = await answer(question("api/explain", {
			device: client.device || client.peername[0], destination: address(client.sockname),
			host: line.host || line.authority, method: line.method, path: line.path }));
		place.append(make("p", "The rules now in force say:"),
			make("ul", (told.message ? [{ text: told.message }] : told).map(each => make("li", each.text))));
	} catch (error) { complain(error); }
}

function entry(line) {
	const details = make("details", [summary(line)]);
	details.addEventListener("toggle", () => {
		if (!details.open || details.children.length > 1) return;
		const why = make("div", sentences(line).map(each => make("p", each)), "why");
		details.append(why);
		explain(line, why);
	});
	return make("li", [details]);
}

// Views

function note(words, className) {
	const signs = { bad: "✕ ", watch: "△ ", good: "✓ " };
	const text = make("span", words);
	return make("li", [signs[className], text], className);
}

function findTrouble() {
	const { status, processes, lists: all, devices } = known, found = [];
	for (const each of processes) if (!each.pid) found.push(["bad", `The ${each.process} is not running.`]);
	for (const each of all) if (each.trouble) found.push(["watch", `List ${each.name}: ${each.trouble}`]);
	if (status.totals.dropped_records) found.push(["watch", `${count(status.totals.dropped_records)} lines of the journal were lost.`]);
	for (const each of devices) if (each.spent) found.push(["watch", `${each.name} has used all of its quota today.`]);
	for (const [name, servers] of Object.entries(status.upstreams || {}))
		for (const [server, state] of Object.entries(servers))
			if (state !== "well") found.push(["watch", `${name}: ${server} is ${state}.`]);
	return found;
}

function say(words, className) {
	const state = find("state");
	if (state.textContent !== words) state.textContent = words;
	state.className = className;
}

function showState() {
	const trouble = findTrouble();
	const bad = trouble.some(([className]) => className === "bad");
	if (!trouble.length) say("✓ works", "good");
	else say(bad ? "✕ does not work fully" : `△ works, ${trouble.length} to look at`, bad ? "bad" : "watch");
	find("notes").replaceChildren(...trouble.map(([className, words]) => note(words, className)));
	const { version, policy, generation, uptime } = known.status;
	find("about").textContent = plain(`Headgate ${version}, ${policy} (generation ${generation}), up for ${duration(uptime)}`);
}

function figure(name, value) { return make("div", [make("dt", name), make("dd", value)]); }

function devicesNow() {
	const rows = new Map();
	for (const line of known.connections) {
		const name = deviceOf(line) || "?";
		const row = rows.get(name) || { name, address: line.client.peername && line.client.peername[0], live: 0, hosts: new Set() };
		row.live++;
		if (line.host) row.hosts.add(line.host);
		rows.set(name, row);
	}
	for (const device of known.devices) {
		const row = rows.get(device.name) || { name: device.name, live: 0, hosts: new Set() };
		rows.set(device.name, Object.assign(row, { quota: device.quota_bytes, used: device.bytes_today }));
	}
	return [...rows.values()].sort((a, b) => b.live - a.live || (a.name < b.name ? -1 : 1));
}

function showOverview() {
	const totals = known.status.totals;
	find("figures").replaceChildren(figure("live now", count(totals.live)), figure("blocked", count(totals.blocked)),
		figure("inspected", count(totals.inspected)), figure("routed", count(totals.routed)), figure("passed", count(totals.passed)),
		figure("up for", duration(known.status.uptime)));
	table("devices", [
		{ name: "Device", of: row => row.name }, { name: "Address", of: row => row.address },
		{ name: "Live", number: true, of: row => row.live },
		{ name: "Talks to", text: true, of: row => [...row.hosts].slice(-4).join(", ") || null },
		{ name: "Today", number: true, of: row => row.quota ? `${bytes(row.used)} of ${bytes(row.quota)}` : null },
	], devicesNow(), "No device has a connection here now.");
	table("processes", [
		{ name: "Process", of: row => row.process }, { name: "Number", number: true, of: row => row.index },
		{ name: "Process ID", number: true, of: row => row.pid }, { name: "Runs for", number: true, of: row => duration(row.uptime) },
	], known.processes, "");
	showBlocked();
}

function showBlocked() {
	const exchanges = new Set(known.journal.filter(line => line.type === "exchange").map(line => line.connection));
	const blocked = known.journal.filter(line => verdictOf(line) === "block" &&
		(line.type === "exchange" || !exchanges.has(line.connection))).slice(0, 15);
	fill("blocked", blocked);
	find("blocked-none").hidden = blocked.length > 0;
}

// Elements stay while their lines do, so that what is open stays open.
const elements = new WeakMap();

function fill(id, wanted) {
	const list = find(id), had = list.childElementCount > 0;
	const items = wanted.map(line => {
		const all = elements.get(line) || elements.set(line, {}).get(line);
		if (!all[id]) {
			all[id] = entry(line);
			if (had) all[id].classList.add("new");
		}
		return all[id];
	});
	items.forEach((item, place) => { if (list.children[place] !== item) list.insertBefore(item, list.children[place] || null); });
	while (list.childElementCount > items.length) list.lastElementChild.remove();
}

function showLines(name, all) {
	const wanted = all.filter(line => matches(line, find(`${name}-words`).value, find(`${name}-verdict`).value));
	fill(`${name}-lines`, wanted.slice(0, SHOWN_MAX));
	find(`${name}-count`).textContent = wanted.length > SHOWN_MAX ? `The newest ${SHOWN_MAX} of ${wanted.length}`
		: wanted.length ? `${wanted.length} of ${all.length}` : "Nothing to show.";
}

function showJournal() { if (!find("journal-pause").checked) showLines("journal", known.journal); }

function showRules() {
	table("rule-table", [
		{ name: "Number", number: true, of: row => row.number },
		{ name: "Rule", of: row => row.name + (row.shadow ? " (shadow)" : "") },
		{ name: "Verdict", of: row => row.verdict },
		{ name: "Hits", number: true, of: row => count(row.shadow ? row.shadow_hits : row.hits) },
		{ name: "Over rate", number: true, of: row => row.over_rate ? count(row.over_rate) : null },
		{ name: "Says", text: true, of: row => row.text },
		{ name: "Where", of: row => row.line ? `${row.file.split("/").pop()}:${row.line}` : null },
	], known.rules, "");
}

function showLists() {
	table("list-table", [
		{ name: "List", of: row => row.name },
		{ name: "Names", number: true, of: row => count(row.names) }, { name: "Addresses", number: true, of: row => count(row.addresses) },
		{ name: "Hits", number: true, of: row => count(row.hits) }, { name: "Age", number: true, of: row => duration(row.age) },
		{ name: "Not understood", number: true, of: row => row.bad_lines ? count(row.bad_lines) : null },
		{ name: "Trouble", text: true, of: row => row.trouble ? make("span", `△ ${plain(row.trouble)}`, "watch") : null },
	], known.lists, "The policy has no lists.");
}

const views = { overview: showOverview, journal: showJournal, connections: () => showLines("connections", known.connections),
	rules: showRules, lists: showLists, certificate: () => {} };

function viewNow() {
	const name = location.hash.slice(1);
	return views[name] ? name : "overview";
}

function show() {
	const name = viewNow(), open = name === "certificate";
	const ready = open || (token && known.status);
	for (const each of Object.keys(views)) find(each).hidden = each !== name || !ready;
	find("sign-in").hidden = open || Boolean(token);
	find("sign-out").hidden = !token;
	for (const link of document.querySelectorAll("nav a")) {
		if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
		else link.removeAttribute("aria-current");
	}
	document.title = name === "overview" ? "Headgate" : `Headgate: ${name}`;
	if (ready) views[name]();
}

// Keeping up

function complain(error) {
	if (error instanceof Refused) {
		signOut();
		find("refused").textContent = error.message;
	} else if (error.name !== "AbortError") {
		say("△ no answer from the gateway", "bad");
	}
}

async function refresh() {
	const name = viewNow();
	const status = await answer("api/status");
	known.processes = status.filter(line => line.process);
	known.status = status.find(line => line.totals) || known.status;
	[known.lists, known.devices, known.rules] = await Promise.all(["api/lists", "api/devices", "api/rules"].map(answer));
	known.lists = known.lists.filter(line => line.name);
	if (name === "overview" || name === "connections") {
		const before = new Map(known.connections.map(line => [line.connection, line]));
		// A line that is there already is told anew in place, for its element to stay.
		known.connections = (await answer("api/connections")).filter(line => line.client)
			.map(line => before.has(line.connection) && before.get(line.connection).rule === line.rule ? Object.assign(before.get(line.connection), line) : line)
			.sort((a, b) => b.client.timestamp_start - a.client.timestamp_start);
	}
	showState();
	show();
}

let timer = null, following = null;

async function poll() {
	clearTimeout(timer);
	if (!token || document.hidden) return;
	try { await refresh(); } catch (error) { complain(error); }
	clearTimeout(timer);
	timer = setTimeout(poll, POLL_SECONDS * 1000);
}

let drawing = false;

function drawSoon() {
	if (drawing) return;
	drawing = true;
	requestAnimationFrame(() => {
		drawing = false;
		if (!known.status) return;
		if (viewNow() === "journal") showJournal();
		if (viewNow() === "overview") showBlocked();
	});
}

// An exchange does not say whose it is; its connection does, before or after it.
function introduce(line) {
	if (line.type === "exchange") {
		const of = [...known.connections, ...known.journal].find(each => each.connection === line.connection && each.client);
		line.client = of ? of.client : null;
		return;
	}
	for (const each of known.journal) {
		if (each.connection !== line.connection || each.client) continue;
		each.client = line.client;
		elements.delete(each);
	}
}

function remember(line) {
	const identity = line.exchange || line.connection;
	if (!line.type || line.end || !identity || known.seen.has(identity)) return;
	known.seen.add(identity);
	introduce(line);
	known.journal.unshift(line);
	for (const gone of known.journal.splice(LINES_MAX)) known.seen.delete(gone.exchange || gone.connection);
	drawSoon();
}

// The journal, for as long as the page is open; after a break its last lines come again.
async function follow() {
	if (following || !token) return;
	following = new AbortController();
	const { signal } = following;
	while (!signal.aborted) {
		try { for await (const line of lines("api/journal", signal)) remember(line); } catch (error) { complain(error); }
		await new Promise(done => setTimeout(done, 2000));
	}
}

// Coming and going

function signIn(given) {
	token = given.trim();
	localStorage.setItem(PLACE, token);
	find("refused").textContent = "";
	begin();
}

function signOut() {
	token = null;
	localStorage.removeItem(PLACE);
	if (following) following.abort();
	following = null;
	Object.assign(known, { status: null, processes: [], rules: [], lists: [], devices: [], connections: [], journal: [], seen: new Set() });
	say("signed out", "");
	find("about").textContent = "";
	show();
}

function begin() {
	show();
	if (!token) { say("", ""); return; }
	say("…", "");
	follow();
	poll();
}

// A link from `headgatectl console` has the token behind its #; there it does not stay.
function takeToken() {
	const given = decodeURIComponent(location.hash.slice(1));
	if (given.length < 16 || views[given]) return false;
	history.replaceState(null, "", "#overview");
	signIn(given);
	return true;
}

async function searchLists(event) {
	event.preventDefault();
	try {
		const found = await answer(question("api/search", { what: find("what").value.trim() }));
		find("found").replaceChildren(found.message ? make("p", `No: ${found.message}.`)
			: make("ul", found.map(line => make("li", `${line.takes_away ? "Excepted by" : "In"} ${line.list}: ${line.text} (${line.file}, line ${line.line})`))));
	} catch (error) { complain(error); }
}

function prepare() {
	for (const name of ["journal", "connections"]) {
		const choice = find(`${name}-verdict`);
		choice.append(new Option("any", ""), ...Object.entries(VERDICTS).map(([value, [sign, word]]) => new Option(`${sign} ${word}`, value)));
		choice.addEventListener("change", show);
		find(`${name}-words`).addEventListener("input", show);
	}
	find("journal-pause").addEventListener("change", show);
	for (const form of document.querySelectorAll("form")) form.addEventListener("submit", event => event.preventDefault());
	find("search").addEventListener("submit", searchLists);
	find("sign-in").querySelector("form").addEventListener("submit", () => signIn(find("token").value));
	find("sign-out").addEventListener("click", signOut);
	window.addEventListener("hashchange", () => { if (!takeToken()) { show(); poll(); } });
	document.addEventListener("visibilitychange", poll);
	document.addEventListener("keydown", event => {
		const words = find(`${viewNow()}-words`);
		if (event.key !== "/" || !words || event.target.matches("input, select")) return;
		event.preventDefault();
		words.focus();
	});
	if (!takeToken()) begin();
}

prepare();
