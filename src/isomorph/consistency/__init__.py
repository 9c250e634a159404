"""Similarity of similarities: do relations between models carry over from one data set to another?"""
