"""For proofs about one list that blocks, drop.txt beside the policy, in the kernel."""

LISTED = "198.51.100.11"  # api.internal.example, which the proofs put into the list


def policy(way):
    """The owner's policy with `lists-in` as said."""
    return f"""
lists-in: {way}
capture: {{ proxy: needed }}
lists: {{ drop: {{ addresses: drop.txt }} }}
rules:
  - {{ name: listed, when: {{ address: list drop }}, do: block }}
"""
