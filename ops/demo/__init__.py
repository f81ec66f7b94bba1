"""A working agency to try things on: invented practices, people and ninety days of work.

Everything is done by the product's own actions under a moved clock; nothing is inserted past them. The same seed on the
same day gives the same agency. All phone numbers end in 555-01xx and all addresses are of example.com, which belong to
nobody.
"""
