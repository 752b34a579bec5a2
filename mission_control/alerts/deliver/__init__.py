"""How pages reach people: the only place in Mission Control that posts."""
