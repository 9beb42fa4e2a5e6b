"""Clients, one service each."""
